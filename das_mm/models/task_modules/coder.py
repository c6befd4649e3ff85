"""Targets of the regression branches and back (journal paper §3.2, §3.3, §3.5).

Letters: P points, K keypoints. "Norm" depth is camera depth divided by the focal length of the network input, mm/px.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from das_mm.registry import TASK_UTILS

from .assigner import PersonLabels


@dataclass
class PointTargets:
    """What the network should say at P points; weights are 0 where a label is missing.

    Attributes:
        root (Tensor): (P, 3) root offset in strides and scaled norm depth.
        root_weights (Tensor): (P, 3).
        pose (Tensor): (P, K, 3) keypoint offsets, x and y in strides, depth in units of ``relative_depth_scale_mm``.
        pose_weights (Tensor): (P, K, 3).
    """

    root: Tensor
    root_weights: Tensor
    pose: Tensor
    pose_weights: Tensor


@dataclass
class DecodedPoses:
    """P poses in the frame of the network input.

    Attributes:
        roots_px (Tensor): (P, 2).
        root_depths_norm (Tensor): (P,) mm per px of focal length.
        keypoints_px (Tensor): (P, K, 2).
        relative_depths_mm (Tensor): (P, K), 0 at the root.
    """

    roots_px: Tensor
    root_depths_norm: Tensor
    keypoints_px: Tensor
    relative_depths_mm: Tensor


@TASK_UTILS.register_module()
class DASPoseCoder:
    """Turns labels into what is regressed at a point, and what was regressed into poses.

    Keypoint offsets are relative to the point (``j_k - p``), not to the root (``j_k - j_root``, the paper's letter):
    only then does ``p + U_k[p]`` land on the keypoint, which Eq. 6 needs.

    Args:
        root_index: Row of the root in the keypoint set, whose relative depth is 0 by definition. None where the root is
            no keypoint of the set (COCO's 17): it is then learnt by the root branch alone.
        root_depth_scale: Factor on the norm depth, to bring its range near 1.
        relative_depth_scale_mm: Millimetres that count as 1 in the relative depths.
    """

    def __init__(
        self, root_index: int | None = 2, root_depth_scale: float = 1.0, relative_depth_scale_mm: float = 500.0
    ):
        self.root_index = root_index
        self.root_depth_scale = root_depth_scale
        self.relative_depth_scale_mm = relative_depth_scale_mm

    def encode(self, labels: PersonLabels, person: Tensor, points_px: Tensor, strides: Tensor) -> PointTargets:
        """Targets at P points.

        Args:
            labels: Persons of the batch.
            person: (P,) rows of ``labels``.
            points_px: (P, 2) in the network input.
            strides: (P,) stride of each point's level.
        """
        unit = strides[:, None]
        root_xy = (labels.root_px[person] - points_px) / unit
        root_depth = labels.root_depths_norm[person, None] * self.root_depth_scale
        root_weights = torch.stack([torch.ones_like(strides)] * 2 + [labels.root_depths_weights[person]], dim=1)
        xy = (labels.keypoints[person] - points_px[:, None]) / unit[:, None]
        z = labels.relative_depths_mm[person] / self.relative_depth_scale_mm
        xy_weights = labels.keypoints_weights[person]
        # a keypoint whose place in the image is not supervised gives no depth lesson either: the flow is joint
        z_weights = labels.relative_depths_weights[person] * (xy_weights > 0)
        if self.root_index is not None:
            z_weights = z_weights.clone()
            z_weights[:, self.root_index] = 0  # known, not learnt
        pose_weights = torch.stack([xy_weights, xy_weights, z_weights], dim=-1)
        # what is not labelled may hold anything, NaN too, and 0 * NaN is NaN
        return PointTargets(
            root=_where_weighted(torch.cat([root_xy, root_depth], dim=1), root_weights),
            root_weights=root_weights,
            pose=_where_weighted(torch.cat([xy, z[..., None]], dim=-1), pose_weights),
            pose_weights=pose_weights,
        )

    def decode(self, root: Tensor, pose: Tensor, points_px: Tensor, strides: Tensor) -> DecodedPoses:
        """Poses in the frame of the network input from what was regressed at P points.

        Args:
            root: (P, 3), as :attr:`PointTargets.root`.
            pose: (P, K, 3) or (P, K, 2) where the model has no depth.
            points_px: (P, 2).
            strides: (P,).
        """
        unit = strides[:, None]
        if pose.shape[-1] == 3:
            depth = pose[..., 2] * self.relative_depth_scale_mm
            if self.root_index is not None:
                is_root = torch.arange(pose.shape[1], device=pose.device) == self.root_index
                depth = depth.masked_fill(is_root, 0)
        else:
            depth = pose.new_zeros(pose.shape[:2])
        return DecodedPoses(
            roots_px=points_px + root[:, :2] * unit,
            root_depths_norm=root[:, 2] / self.root_depth_scale,
            keypoints_px=points_px[:, None] + pose[..., :2] * unit[:, None],
            relative_depths_mm=depth,
        )

    def decode_sigma(self, sigma: Tensor, strides: Tensor) -> Tensor:
        """(P, K, D) scales of the learnt distribution in (px, px[, mm]) of the network input."""
        unit = strides[:, None, None].expand(-1, 1, 2)
        if sigma.shape[-1] == 3:
            unit = torch.cat([unit, torch.full_like(unit[..., :1], self.relative_depth_scale_mm)], dim=-1)
        return sigma * unit


def _where_weighted(target: Tensor, weights: Tensor) -> Tensor:
    return torch.where(weights > 0, target, torch.zeros_like(target))
