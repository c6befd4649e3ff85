"""The coder of models that learn no root offset of its own: the released ones."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from das_mm.registry import TASK_UTILS

from .assigner import PersonLabels
from .coder import DASPoseCoder, DecodedPoses, PointTargets


@TASK_UTILS.register_module()
class KeypointRootCoder(DASPoseCoder):
    """Takes the place of the root from the pose itself, where it is one of the keypoints.

    The released code has a map of root offsets but no loss on it, so what it says is noise; its root is keypoint
    ``root_index`` after the last update, with the depth of the root branch.

    Args:
        root_index: Row of the root in the keypoint set.
        root_depth_scale, relative_depth_scale_mm: As in :class:`DASPoseCoder`.
    """

    def __init__(self, root_index: int = 2, root_depth_scale: float = 1.0, relative_depth_scale_mm: float = 500.0):
        super().__init__(root_index, root_depth_scale, relative_depth_scale_mm)

    def encode(self, labels: PersonLabels, person: Tensor, points_px: Tensor, strides: Tensor) -> PointTargets:
        """As in :class:`DASPoseCoder`, without a lesson for the root offset."""
        targets = super().encode(labels, person, points_px, strides)
        depth_only = torch.tensor([0.0, 0.0, 1.0], device=targets.root.device)
        return dataclasses.replace(
            targets, root=targets.root * depth_only, root_weights=targets.root_weights * depth_only
        )

    def decode(self, root: Tensor, pose: Tensor, points_px: Tensor, strides: Tensor) -> DecodedPoses:
        """As in :class:`DASPoseCoder`; ``root[:, :2]`` is not looked at."""
        decoded = super().decode(root, pose, points_px, strides)
        return dataclasses.replace(decoded, roots_px=decoded.keypoints_px[:, self.root_index])
