"""The packages that single verbs need and nothing else does."""

from __future__ import annotations

import importlib
from types import ModuleType

from das_mm.errors import UserError

# where the name of the module is not that of the package
_PACKAGES = {'pxr': 'usd-core'}


def require(name: str, extra: str = 'export') -> ModuleType:
    """A module of a package that an extra brings: 'onnx', 'onnxscript', 'pygltflib', 'pxr', …

    Args:
        name: Of the module.
        extra: Which brings it.

    Raises:
        UserError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f'the package {_PACKAGES.get(name, name)} is not installed ({error})',
            field=name,
            remedy=f"pip install 'das_mm[{extra}]'",
        ) from error
