"""The packages that export needs and nothing else does."""

from __future__ import annotations

import importlib
from types import ModuleType

from das_mm.errors import UserError


def require(name: str) -> ModuleType:
    """The package ``name``: 'onnx', 'onnxscript' or 'onnxruntime'.

    Raises:
        UserError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f'the package {name} is not installed ({error})', field=name, remedy="pip install 'das_mm[export]'"
        ) from error
