"""Bodies that somebody took, without images: what a discriminator learns real poses from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from das_mm.engine.array_files import read_npz
from das_mm.errors import UserError
from das_mm.registry import TASK_UTILS
from das_mm.structures.tensor_rotations import axis_angle_to_matrix

from ..synthetic.body_shapes import sample_betas
from ..synthetic.poses import sample_pose

_REMEDY = (
    'give an npz with body_pose (N, 72) rad, the root first (or (N, 69) without it), and betas (N, 10); '
    'or with pose and shape'
)
_NUM_BODY, _NUM_BETAS = 69, 10


@TASK_UTILS.register_module()
class MoCapBodies:
    """Draws poses with their shapes, without the root; from the random numbers of torch, so that a resumed training
    draws what the interrupted one would have.

    Nothing is read or generated before the first draw: a model that has them can be built without the file.

    Args:
        file: npz with ``body_pose`` (N, 72) or (N, 69) axis-angle, rad, and ``betas`` (N, 10), CMU's motion capture as
            ProHMR keeps it; or with ``pose`` and ``shape``, as CRMH keeps MoSh's fits of Human3.6M. None: poses of the
            synthetic people.
        num_synthetic: How many of those are generated to draw from.
        seed: Of them.
    """

    def __init__(self, file: str | Path | None = None, num_synthetic: int = 4096, seed: int = 0) -> None:
        if num_synthetic < 1:
            raise UserError(
                f'{num_synthetic} poses are none to draw from', field='mocap.num_synthetic', remedy='give 1 or more'
            )
        self.file, self.num_synthetic, self.seed = file, num_synthetic, seed
        self._bodies: tuple[Tensor, Tensor] | None = None

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Rotations (count, 23, 3, 3) of joints against their parents, and betas (count, 10), drawn with replacement.

        Raises:
            UserError: The file cannot be read or holds something else.
        """
        if self._bodies is None:
            self._bodies = self._generated() if self.file is None else self._read(self.file)
        pose, betas = self._bodies
        rows = torch.randint(len(pose), (count,))
        return axis_angle_to_matrix(pose[rows].unflatten(1, (-1, 3))), betas[rows]

    def _generated(self) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng(self.seed)
        poses = [sample_pose(rng)['body_pose'].reshape(_NUM_BODY) for _ in range(self.num_synthetic)]
        betas = [sample_betas(rng) for _ in range(self.num_synthetic)]
        return torch.from_numpy(np.stack(poses)).float(), torch.from_numpy(np.stack(betas)).float()

    @staticmethod
    def _read(file: str | Path) -> tuple[Tensor, Tensor]:
        stored = read_npz(file, _REMEDY, ('body_pose', 'betas', 'pose', 'shape'))
        names = ('pose', 'shape') if {'pose', 'shape'} <= set(stored) else ('body_pose', 'betas')
        pose, betas = (stored.get(name) for name in names)
        for name, array, widths in zip(names, (pose, betas), ((_NUM_BODY + 3, _NUM_BODY), (_NUM_BETAS,))):
            if array is None or array.dtype.kind != 'f' or array.ndim != 2 or array.shape[1] not in widths:
                told = 'absent' if array is None else f'{array.dtype} {array.shape}'
                raise UserError(f'is {told}', file=file, field=name, remedy=_REMEDY)
        if pose is None or betas is None or len(pose) != len(betas) or not len(pose):
            raise UserError('there are not as many poses as shapes', file=file, field=names[1], remedy=_REMEDY)
        pose = pose[:, -_NUM_BODY:]
        sound = np.isfinite(pose).all(1) & np.isfinite(betas).all(1)
        if not sound.any():
            raise UserError('no pose in it is finite', file=file, field=names[0], remedy=_REMEDY)
        return torch.from_numpy(pose[sound].astype(np.float32)), torch.from_numpy(betas[sound].astype(np.float32))
