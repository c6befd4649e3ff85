"""Loss terms of bodies that are seen one a crop (GraphCMR, SPIN): means over those who have a label.

The reductions are those of the authors' code: a mean over keypoints counts all of them, so that a keypoint without
confidence adds nothing to the sum and one to the number; a mean over people counts those it is for, and without any it
is a zero that keeps the graph. Letters: B people, K keypoints of ``gt24``, D coordinates.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from das_mm.structures.keypoint_sets import KEYPOINT_SETS

#: right and left hip in ``gt24``
HIPS = (KEYPOINT_SETS['gt24'].index('right_hip'), KEYPOINT_SETS['gt24'].index('left_hip'))


def chosen_mean(
    pred: Tensor, labels: Tensor, chosen: Tensor, error: Callable[[Tensor], Tensor] = torch.square
) -> Tensor:
    """Mean of the error over all entries of the people (B,) bool that are chosen.

    Args:
        pred, labels: (B, …); labels of the others may be anything, NaN too.
        chosen: Who has a label.
        error: Of a difference: its square, or its absolute value.
    """
    chosen = chosen.bool()
    return error(pred[chosen] - labels[chosen]).mean() if chosen.any() else 0 * pred.sum()


def confident_mean(pred: Tensor, labels: Tensor, error: Callable[[Tensor], Tensor] = torch.square) -> Tensor:
    """Mean over all entries of confidence · error of the difference.

    Args:
        pred: (B, K, D).
        labels: (B, K, D + 1), the confidence last; without confidence the rest may be anything, NaN too.
        error: Of a difference: its square, or its absolute value.
    """
    confidence = labels[..., -1:]
    target = torch.where(confidence > 0, labels[..., :-1], 0)
    return (confidence * error(pred - target)).mean()


def hip_centred_mean(pred: Tensor, labels: Tensor, has_pose_3d: Tensor) -> Tensor:
    """Mean of confidence · squared error of people with 3D labels, both sides from the middle of their hips.

    Args:
        pred: (B, 24, 3) m.
        labels: (B, 24, 4) m and confidence. People whose hips have no place are left out.
        has_pose_3d: (B,) bool.
    """
    chosen = has_pose_3d.bool() & has_hips(labels)
    if not chosen.any():
        return 0 * pred.sum()
    points = labels[chosen, :, :3]
    centred = torch.cat([from_hips(points), labels[chosen, :, 3:]], dim=-1)
    return confident_mean(from_hips(pred[chosen]), centred)


def has_hips(labels: Tensor) -> Tensor:
    """(B,) whether the hips of labels (B, 24, 4) have a place. The confidence alone does not say it: there are labels
    whose places are known and not to be trusted."""
    hips = labels[:, list(HIPS)]
    absent = (hips[..., 3] <= 0) & ((hips[..., :3] == 0).all(-1) | ~hips[..., :3].isfinite().all(-1))
    return ~absent.any(1)


def from_hips(points: Tensor) -> Tensor:
    """Points (B, 24, 3) told from the middle of their hips."""
    return points - points[:, list(HIPS)].mean(1, keepdim=True)
