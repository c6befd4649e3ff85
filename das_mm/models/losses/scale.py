"""From the raw σ branch to a positive scale, and from the scale to a confidence."""

from __future__ import annotations

from torch import Tensor


def positive_scale(raw: Tensor) -> Tensor:
    """σ = sigmoid(raw) + 1e-9 in (0, 1], float32 (or float64 for float64), any shape."""
    return (raw if raw.dtype.itemsize > 4 else raw.float()).sigmoid() + 1e-9


def keypoint_confidence(sigma: Tensor) -> Tensor:
    """Confidence of each keypoint from its scale, RLE Eq. 9: 1 - mean of σ over the coordinates, within [0, 1].

    Eq. 9 is the mean over a person's keypoints of what this returns: ``keypoint_confidence(sigma).mean(-1)``.

    Args:
        sigma: (*, D), activated by :func:`positive_scale`.

    Returns:
        (*,)
    """
    return (1 - sigma.mean(dim=-1)).clamp(0, 1)
