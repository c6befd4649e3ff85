"""Where people were in the previous frame, as a plug-in branch of DAS (journal paper §3.4, Eq. 11)."""

from __future__ import annotations

from dataclasses import replace

import torch
from mmpose.utils.typing import ConfigType
from torch import Tensor

from das_mm.models.task_modules import PersonLabels
from das_mm.registry import MODELS
from das_mm.structures import get_keypoint_set
from das_mm.structures.task_fields import TaskDescription, TaskField

from .task_branch import BaseTaskBranch


@MODELS.register_module()
class DisplacementBranch(BaseTaskBranch):
    """Displacement p(t−1) − p(t) of every person's centre, in strides; learnt by L1.

    Reads the labels ``previous_root_px`` (N, 2) and ``previous_root_weights`` (N,) of the network input and, with
    ``per_keypoint``, ``previous_keypoints`` (N, K, 2) and ``previous_keypoints_weights`` (N, K). People who were not in
    the previous frame have weight 0. Gives ``displacements_px`` (n, 2), and with ``per_keypoint``
    ``keypoint_displacements_px`` (n, K, 2).

    Args:
        keypoint_set: The set the model learns.
        per_keypoint: A displacement for every keypoint, 2K numbers in place of 2 (Table 9, row 4). That of the centre
            is then the mean over the keypoints that make the root.
        loss: Loss on the displacements.
    """

    def __init__(
        self, keypoint_set: str = 'panoptic15', per_keypoint: bool = False, loss: ConfigType | None = None, **kwargs
    ):
        self.keypoint_set = get_keypoint_set(keypoint_set, field='keypoint_set')
        self.per_keypoint = per_keypoint
        super().__init__(out_channels=2 * self.keypoint_set.num_keypoints if per_keypoint else 2, **kwargs)
        self.loss_displacement = MODELS.build(loss or dict(type='mmdet.L1Loss'))

    def loss(
        self, raw: Tensor, labels: PersonLabels, person: Tensor, points_px: Tensor, strides: Tensor, num_pos: Tensor
    ) -> dict[str, Tensor]:
        if self.per_keypoint:
            now, before = labels.keypoints[person], labels.previous_keypoints[person]  # (P, K, 2)
            weights = labels.previous_keypoints_weights[person] * (labels.keypoints_weights[person] > 0)
        else:
            now, before = labels.root_px[person][:, None], labels.previous_root_px[person][:, None]  # (P, 1, 2)
            weights = labels.previous_root_weights[person][:, None]
        known = (weights > 0)[..., None]
        target = torch.where(known, (before - now) / strides[:, None, None], 0.0)  # what is unknown may be NaN
        number = num_pos * weights.shape[1]
        loss = self.loss_displacement(
            raw.float().reshape(target.shape), target, weights[..., None].expand_as(target), avg_factor=number
        )
        return dict(loss_displacement=loss)

    def decode(self, raw: Tensor, points_px: Tensor, strides: Tensor) -> dict[str, Tensor]:
        moved = raw.float().reshape(len(raw), self.out_channels // 2, 2) * strides[:, None, None]
        if not self.per_keypoint:
            return dict(displacements_px=moved[:, 0])
        center = moved[:, list(self.keypoint_set.root_sources)].mean(dim=1)
        return dict(displacements_px=center, keypoint_displacements_px=moved)

    def describe(self) -> TaskDescription:
        """The displacements, in px of the original image; trackers use them, and no file tells them."""
        moved = TaskField('displacements_px', (2,), frame='vectors_px', in_results=False, in_tracks=False)
        fields = [moved]
        if self.per_keypoint:
            shape = (self.keypoint_set.num_keypoints, 2)
            fields.append(replace(moved, name='keypoint_displacements_px', shape=shape))
        return TaskDescription('displacement', tuple(fields))
