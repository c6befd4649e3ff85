"""Keypoints in the image as ProSkeleton's encoder wants them: every coordinate with mean 0 and deviation 1."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from mmengine.model import BaseModule
from torch import Tensor

from das_mm.errors import UserError
from das_mm.registry import MODELS

from .skeleton_joints import INPUT_JOINTS, ROOT

FRAMES = ('image', 'person')
_LEAST_PX = 1e-3


@MODELS.register_module()
class KeypointStandardiser(BaseModule):
    """(x - mean) / std, of each of the 34 numbers by itself.

    The statistics are those of the training set; they are buffers, and so come with a checkpoint of ours. The authors'
    checkpoint has none: they lie in a file of their data set, which ``statistics`` names.

    Args:
        frame: 'image': px of the image, as released, which ties the network to images and cameras like those of its
            training; or 'person': about the pelvis, over the mean distance from it, whatever the image.
        statistics: ``.npz`` with ``mean`` and ``std`` (17, 2); None: learnt from the training set
            (:class:`.InputStatisticsHook`), or from a checkpoint.

    Raises:
        UserError: Another frame, or a file that is no such statistics.
    """

    mean: Tensor  # (17, 2)
    std: Tensor
    known: Tensor  # () bool

    def __init__(self, frame: str = 'image', statistics: str | Path | None = None) -> None:
        super().__init__()
        if frame not in FRAMES:
            raise UserError(f'{frame!r} is no frame', field='standardiser.frame', remedy=f'use one of {FRAMES}')
        self.frame = frame
        num = len(INPUT_JOINTS)
        mean, std = (np.zeros((num, 2)), np.ones((num, 2))) if statistics is None else read_statistics(statistics)
        self.register_buffer('mean', torch.tensor(mean, dtype=torch.float32))
        self.register_buffer('std', torch.tensor(std, dtype=torch.float32))
        self.register_buffer('known', torch.tensor(statistics is not None))

    def forward(self, places: Tensor) -> Tensor:
        """(B, 17, 2) px to (B, 34).

        Raises:
            UserError: Another number of joints, or nobody knows the statistics.
        """
        if places.ndim != 3 or places.shape[1:] != self.mean.shape:
            raise UserError(
                f'the keypoints have shape {tuple(places.shape)}, not (people, {len(INPUT_JOINTS)}, 2)',
                field='keypoints',
                remedy=f'give these joints: {", ".join(INPUT_JOINTS)}',
            )
        if not self.known:
            raise UserError(
                'mean and deviation of the input are not known',
                field='standardiser.statistics',
                remedy='train with an InputStatisticsHook, or convert the checkpoint with --config: a config of yours '
                'that names the file (model.standardiser.statistics)',
            )
        return ((self._framed(places.float()) - self.mean) / self.std).flatten(1)

    @torch.no_grad()
    def learn(self, places: Iterable[Tensor]) -> None:
        """Take the statistics of a training set, (17, 2) px each.

        Raises:
            UserError: There are fewer than two people.
        """
        everybody = [place for place in places if place.isfinite().all()]
        if len(everybody) < 2:
            raise UserError(
                f'statistics of {len(everybody)} people cannot be taken',
                field='train_dataloader.dataset',
                remedy='give a data set with people of whom all 17 joints are labelled',
            )
        framed = self._framed(torch.stack(everybody).double())
        self.mean.copy_(framed.mean(0))
        # the pelvis does not move where it is the origin
        self.std.copy_(framed.std(0).where(framed.std(0) > _LEAST_PX, 1.0))
        self.known.fill_(True)

    def _framed(self, places: Tensor) -> Tensor:
        if self.frame == 'image':
            return places
        row = INPUT_JOINTS.index(ROOT)
        about = places - places[:, row : row + 1]
        return about / about.norm(dim=-1).mean(1).clamp(min=_LEAST_PX)[:, None, None]


def read_statistics(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (17, 2) px.

    Raises:
        UserError: The file is absent or no such statistics.
    """
    remedy = 'give an .npz with mean and std of shape (17, 2) px, such as the mean_stats of the released data'
    try:
        with np.load(path, allow_pickle=False) as file:
            mean, std = (np.asarray(file[name], np.float64) for name in ('mean', 'std'))
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f'it holds no statistics ({error})', file=path, field='statistics', remedy=remedy) from error
    shape = (len(INPUT_JOINTS), 2)
    if mean.shape != shape or std.shape != shape or not (std > 0).all() or not np.isfinite(mean).all():
        raise UserError(
            f'mean {mean.shape} and std {std.shape} are not those of 17 joints, or a deviation is not positive',
            file=path,
            field='statistics',
            remedy=remedy,
        )
    return mean, std
