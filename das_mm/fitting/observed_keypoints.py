"""Keypoints as a fit takes them, and the same keypoints of a body that is being fitted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from das_mm.structures.tensor_rotations import axis_angle_to_matrix

#: numbers of a pose (B, 72) that are the global orientation
ROOT = 3


def posed_keypoints(points: nn.Module, root: Tensor, body_pose: Tensor, betas: Tensor) -> Tensor:
    """Keypoints (B, K, 3) m of bodies, from axis-angle (B, 3) and (B, 69) rad; see :class:`.SMPLify` for ``points``."""
    turns = axis_angle_to_matrix(torch.cat([root, body_pose], dim=1).unflatten(1, (-1, 3)))
    return points(turns[:, 0], turns[:, 1:], betas)


def usable_keypoints(keypoints_2d: Tensor, ignored: Sequence[int]) -> tuple[Tensor, Tensor]:
    """A copy (B, K, 3) that is finite everywhere, and (B,) bool: whose keypoints can be fitted at all.

    Positions of confidence 0 become 0. A confidence that is negative or no number, a position that is no number at a
    positive confidence, or no confidence outside ``ignored``, makes a person unusable.
    """
    keypoints = keypoints_2d.detach().clone().float()
    confidence = keypoints[..., 2]
    known = keypoints.isfinite().all(-1) & (confidence > 0)
    broken = ~known & (confidence != 0)
    weighs = known.clone()
    weighs[:, list(ignored)] = False
    return torch.where(known[..., None], keypoints, 0.0), weighs.any(1) & ~broken.any(1)


def without_keypoints(keypoints: Tensor, ignored: Sequence[int]) -> Tensor:
    """A copy in which some have the confidence 0."""
    keypoints = keypoints.clone()
    keypoints[:, list(ignored), 2] = 0.0
    return keypoints
