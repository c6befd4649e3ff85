"""Batches of poses in the frame of their augmented crops and back (SPIN: crop and turn first, mirror after).

Letters: B people. Axis-angle in rad, SMPL's 24 joints, root first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from das_mm.structures.crop_transform import augment_pose, restore_pose


def into_crop(pose: Tensor, rotation_deg: Tensor, flip: Tensor) -> Tensor:
    """Poses of the image as the augmented crop shows them: root turned by R_z(-rotation), then mirrored.

    Args:
        pose: (B, 72); a row with a NaN in its root has one afterwards.
        rotation_deg: (B,) of the crop, as the augmentation says it.
        flip: (B,) bool.

    Returns:
        (B, 72) on the CPU; angles of a root that was turned are in [0, π], so compare rotations as matrices.
    """
    return _by_row(augment_pose, pose, rotation_deg, flip)


def out_of_crop(pose: Tensor, rotation_deg: Tensor, flip: Tensor) -> Tensor:
    """The inverse of :func:`into_crop`, in the inverse order: mirrored back, then turned by R_z(+rotation)."""
    return _by_row(restore_pose, pose, rotation_deg, flip)


def _by_row(change: Callable[..., np.ndarray], pose: Tensor, rotation_deg: Tensor, flip: Tensor) -> Tensor:
    rows = zip(pose.detach().cpu().numpy(), rotation_deg.tolist(), flip.tolist())
    changed = [change(row.reshape(24, 3), angle, bool(mirrored), True).reshape(72) for row, angle, mirrored in rows]
    return torch.from_numpy(np.array(changed).reshape(-1, 72)).to(pose.dtype)
