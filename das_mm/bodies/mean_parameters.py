"""The mean parameters that SPIN and ProHMR start from (``smpl_mean_params.npz``), and the two layouts of 6D rotations.

SPIN and CRMH read six numbers as a 3x2 block row by row (the two columns interleaved); ProHMR and this package as two
columns one after the other. A file in one layout is garbage in the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from das_mm.engine.array_files import read_npz
from das_mm.errors import UserError

from .skeleton import JOINT_NAMES

_SHAPES = dict(pose=(6 * len(JOINT_NAMES),), shape=(10,), cam=(3,))
_REMEDY = 'give the smpl_mean_params.npz of SPIN, or leave it out: a standing body in front of the camera stands in'
_TO_COLUMNS, _TO_INTERLEAVED = [0, 2, 4, 1, 3, 5], [0, 3, 1, 4, 2, 5]


@dataclass(frozen=True, eq=False)
class MeanParameters:
    """Where an iterative regression starts; float32.

    Attributes:
        pose: (24, 6) rotations, root first, two columns one after the other.
        shape: (10,) betas.
        cam: (3,) s, tx, ty of the crop.
        source: The file, or 'stand-in'.
    """

    pose: np.ndarray
    shape: np.ndarray
    cam: np.ndarray
    source: str

    @property
    def pose_interleaved(self) -> np.ndarray:
        """(144,) as SPIN's file and network have it."""
        return interleave_6d(self.pose).reshape(-1)


def load_mean_parameters(path: str | Path | None = None) -> MeanParameters:
    """Reads ``smpl_mean_params.npz``: ``pose`` (144,) in SPIN's layout, ``shape`` (10,), ``cam`` (3,).

    Without a path: no bend anywhere, the root turned by pi about x (upright in the camera's frame), mean shape, camera
    (0.9, 0, 0).

    Raises:
        UserError: The file cannot be read or holds other arrays.
    """
    if path is None:
        pose = np.tile(np.array([1, 0, 0, 0, 1, 0], np.float32), (len(JOINT_NAMES), 1))
        pose[0] = [1, 0, 0, 0, -1, 0]
        return MeanParameters(pose, np.zeros(10, np.float32), np.array([0.9, 0, 0], np.float32), 'stand-in')
    stored = read_npz(path, _REMEDY, _SHAPES)
    for name, shape in _SHAPES.items():
        array = stored.get(name)
        if array is None or array.dtype.kind not in 'fiu' or array.size != np.prod(shape):
            found = 'absent' if array is None else f'{array.dtype} {array.shape}'
            raise UserError(f'is {found}, expected numbers of the shape {shape}', file=path, field=name, remedy=_REMEDY)
        if not np.isfinite(array).all():
            raise UserError('it holds numbers that are not finite', file=path, field=name, remedy=_REMEDY)
    arrays = {name: stored[name].astype(np.float32).reshape(shape) for name, shape in _SHAPES.items()}
    pose = columns_6d(arrays['pose'].reshape(len(JOINT_NAMES), 6))
    return MeanParameters(pose, arrays['shape'], arrays['cam'], str(path))


def columns_6d(interleaved):
    """SPIN's layout (*, 6) to two columns one after the other; arrays and tensors.

    Example:
        >>> columns_6d(np.array([1, 4, 2, 5, 3, 6])).tolist()
        [1, 2, 3, 4, 5, 6]
    """
    return interleaved[..., _TO_COLUMNS]


def interleave_6d(columns):
    """The inverse of :func:`columns_6d`."""
    return columns[..., _TO_INTERLEAVED]
