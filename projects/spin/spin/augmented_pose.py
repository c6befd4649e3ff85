"""Poses in the frame of an augmented crop and back (SPIN: crop and turn first, mirror after).

Letters: B people. Axis-angle in rad, SMPL's 24 joints, root first; only the root feels a turn.
"""

from __future__ import annotations

import torch
from torch import Tensor

from das_mm.structures.tensor_rotations import axis_angle_to_matrix, matrix_to_axis_angle, mirror_pose


def into_crop(pose: Tensor, rotation_deg: Tensor, flip: Tensor) -> Tensor:
    """Poses of the image as the augmented crop shows them: root turned by R_z(-rotation), then mirrored.

    Args:
        pose: (B, 72).
        rotation_deg: (B,) of the crop, as the augmentation says it.
        flip: (B,) bool.

    Returns:
        (B, 72); angles of the root are in [0, π], so compare rotations as matrices.
    """
    return _mirrored(_turned(pose, -rotation_deg), flip)


def out_of_crop(pose: Tensor, rotation_deg: Tensor, flip: Tensor) -> Tensor:
    """The inverse of :func:`into_crop`, in the inverse order: mirrored back, then turned by R_z(+rotation)."""
    return _turned(_mirrored(pose, flip), rotation_deg)


def _turned(pose: Tensor, angle_deg: Tensor) -> Tensor:
    about_z = torch.zeros(len(pose), 3, dtype=pose.dtype, device=pose.device)
    about_z[:, 2] = torch.deg2rad(angle_deg.to(pose))
    root = axis_angle_to_matrix(about_z) @ axis_angle_to_matrix(pose[:, :3])
    return torch.cat([matrix_to_axis_angle(root), pose[:, 3:]], dim=1)


def _mirrored(pose: Tensor, flip: Tensor) -> Tensor:
    mirrored = mirror_pose(pose.unflatten(1, (-1, 3))).flatten(1)
    return torch.where(flip.to(pose.device).bool()[:, None], mirrored, pose)
