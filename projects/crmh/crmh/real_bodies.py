"""Poses and shapes of real people, which the discriminator holds against what was regressed. Letters: N bodies."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from das_mm.datasets.synthetic.body_shapes import sample_betas
from das_mm.datasets.synthetic.pose_mixture_fit import generated_poses
from das_mm.engine.array_files import read_npz
from das_mm.errors import UserError
from das_mm.structures.rotations import axis_angle_to_matrix

_GENERATED = 512  # poses, and as many mirrored
_REMEDY = 'give an npz with pose (N, 72) axis-angle in rad and shape (N, 10), or leave it out for generated bodies'


class RealBodies:
    """Draws bodies with replacement, as the released trainer draws its MoSh poses.

    Args:
        path: ``.npz`` with ``pose`` (N, 72), root first, and ``shape`` (N, 10), as MoSh gives them for Human3.6M; None
            takes poses and shapes of the synthetic world, which are made when they are first drawn from.

    Raises:
        UserError: The file cannot be read or holds something else.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.arrays = None if path is None else _read(path)

    def draw(self, count: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """Rotations (count, 23, 3, 3) without the root, and betas (count, 10), of the type and device of a tensor."""
        poses, betas = self.arrays or _generated()
        rows = torch.randint(len(poses), (count,), device='cpu').numpy()
        rotations = axis_angle_to_matrix(poses[rows].reshape(-1, 23, 3))
        return torch.from_numpy(rotations).to(like), torch.from_numpy(betas[rows]).to(like)


@lru_cache(maxsize=1)
def _generated() -> tuple[np.ndarray, np.ndarray]:
    poses = generated_poses(_GENERATED, seed=0)
    rng = np.random.default_rng(0)
    return poses, np.stack([sample_betas(rng) for _ in poses])


def _read(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    stored = read_npz(path, _REMEDY, ('pose', 'shape'))
    arrays = []
    for name, size in (('pose', 72), ('shape', 10)):
        array = stored.get(name)
        if (
            array is None
            or array.dtype.kind not in 'fiu'
            or array.ndim != 2
            or array.shape[1] != size
            or not len(array)
        ):
            found = 'absent' if array is None else f'{array.dtype} {array.shape}'
            raise UserError(f'is {found}, expected numbers (N, {size})', file=path, field=name, remedy=_REMEDY)
        if not np.isfinite(array).all():
            raise UserError('it holds numbers that are not finite', file=path, field=name, remedy=_REMEDY)
        arrays.append(array)
    pose, betas = arrays
    if len(pose) != len(betas):
        raise UserError(f'{len(pose)} poses and {len(betas)} shapes', file=path, field='shape', remedy=_REMEDY)
    return pose[:, 3:], betas
