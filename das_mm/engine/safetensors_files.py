"""Weights as ``.safetensors``: tensors by name and words about them, nothing that could be run.

The file's metadata hold ``das_mm`` (the version) and ``meta``, json with what a ``.pth`` has in ``meta`` that is plain:
``cfg`` (the text of the config) or ``config`` (its name), ``dataset_meta``, ``epoch`` and the like.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from das_mm.errors import UserError
from das_mm.version import __version__

from .atomic_io import atomic_write

SUFFIX = '.safetensors'
_AGAIN = 'copy or download it again'
_LONGEST_META = 8_000_000  # characters


def is_safetensors(path: str | Path) -> bool:
    """Whether a file is meant to be one, by its name."""
    return Path(path).suffix.lower() == SUFFIX


def read_safetensors(path: str | Path) -> dict[str, Any]:
    """``meta`` and ``state_dict`` (tensors on the CPU), as of a checkpoint.

    Raises:
        UserError: ``safetensors`` is not installed, or the file cannot be read.
    """
    safe_open = _package().safe_open
    try:
        with safe_open(path, framework='pt', device='cpu') as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}
    except Exception as error:  # its exceptions have no common base that is exported
        raise UserError(
            f'the file is damaged, or no safetensors: {" ".join(str(error).split())[:200]}', file=path, remedy=_AGAIN
        ) from error
    return dict(meta=_meta(metadata.get('meta'), path), state_dict=weights)


def write_safetensors(path: str | Path, weights: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Write tensors, whole or not at all.

    Args:
        path: The file.
        weights: Tensors; those that share memory are written apart.
        meta: Only what json has is kept of it.

    Raises:
        UserError: ``safetensors`` is not installed, or the file cannot be written.
    """
    _package()
    from safetensors.torch import save

    plain = {name: value for name, value in meta.items() if _is_plain(value)}
    own = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    metadata = dict(format='pt', das_mm=__version__, meta=json.dumps(plain))
    atomic_write(path, save(own, metadata))


def _package():
    try:
        import safetensors
    except ImportError as error:
        raise UserError(
            f'the package safetensors is not installed ({error})',
            field='safetensors',
            remedy="pip install 'das_mm[hub]', or use a .pth file",
        ) from error
    return safetensors


def _meta(text: str | None, path: str | Path) -> dict[str, Any]:
    """What is told of the weights; {} of somebody else's file."""
    if text is None:
        return {}
    try:
        if len(text) > _LONGEST_META:
            raise ValueError(f'{len(text)} characters')
        meta = json.loads(text)
        if not isinstance(meta, dict):
            raise ValueError(f'a {type(meta).__name__}')
    except (ValueError, RecursionError) as error:
        raise UserError(f'it is no json of an object ({error})', file=path, field='meta', remedy=_AGAIN) from error
    return meta


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
