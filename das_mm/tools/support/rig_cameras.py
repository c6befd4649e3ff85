"""How the cameras of a rig are turned, out of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from das_mm.engine.json_files import read_json
from das_mm.errors import UserError

_REMEDY = 'give {"view.jpg": {"R": [[…], […], […]]}, …}, R from the frame of the rig to that of the camera'
_TOLERANCE = 1e-3


def read_rig(path: str | Path, views: Sequence[str | Path]) -> np.ndarray:
    """Rotations (N, 3, 3) from the frame of the rig to those of the cameras, in the order of the views.

    Args:
        path: Json: by file name of the view, or its stem, an object with ``R``.
        views: N images.

    Raises:
        UserError: The file cannot be read, lacks a view, or an R is no rotation.
    """
    content = read_json(path, what='the file of cameras', field='cameras', remedy=_REMEDY)
    if not isinstance(content, dict):
        raise UserError('it is no object', file=path, field='cameras', remedy=_REMEDY)
    return np.stack([_rotation(content, Path(view), path) for view in views])


def _rotation(content: dict, view: Path, path: str | Path) -> np.ndarray:
    entry = next((content[name] for name in (str(view), view.name, view.stem) if name in content), None)
    if not isinstance(entry, dict) or 'R' not in entry:
        raise UserError('it has no R of this view', file=path, field=view.name, remedy=_REMEDY)
    try:
        R = np.array(entry['R'], np.float64).reshape(3, 3)
    except (TypeError, ValueError) as error:
        raise UserError('R is no 3×3 matrix', file=path, field=f'{view.name}.R', remedy=_REMEDY) from error
    if not np.abs(R @ R.T - np.eye(3)).max() < _TOLERANCE or not np.linalg.det(R) > 0:
        raise UserError('R is no rotation', file=path, field=f'{view.name}.R', remedy=_REMEDY)
    return R
