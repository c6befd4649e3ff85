"""Object keypoint similarity (OKS), COCO's measure of how alike two poses are in the image."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

#: a numpy array or a torch tensor; type checkers cannot tell which of the two an expression on it gives
Array = TypeVar('Array', bound=Any)

_EPS = {size: float(np.finfo(f'f{size}').eps) for size in (2, 4, 8)}  # by the bytes of a number


def object_keypoint_similarity(
    squared_px2: Array, areas_px2: Array, sigmas: float | Array, labelled: Array | None = None
) -> Array:
    """``mean_k exp(-d_k² / (2 area (2 σ_k)²))`` over the labelled keypoints, for numpy arrays and torch tensors alike.

    Args:
        squared_px2: (*, K) squared distances d² of the keypoints of two poses.
        areas_px2: (*) area of the person; one of no extent is like itself alone.
        sigmas: Tolerance of each keypoint, (K,), or of all; COCO's κ is 2 σ.
        labelled: (*, K) bool, keypoints that count; all when not given. It may broadcast.

    Returns:
        (*) in [0, 1]; NaN where no keypoint counts.

    Example:
        >>> squared = np.array([[0., 32.], [0., 0.]])
        >>> object_keypoint_similarity(squared, np.array([100., 100.]), 0.2).round(3)  # (1 + exp(-1)) / 2
        array([0.684, 1.   ])
    """
    areas_px2 = areas_px2.clip(min=_EPS[areas_px2.dtype.itemsize])  # keeps 0 / 0 out
    exponents = squared_px2 / (-2 * (2 * sigmas) ** 2 * areas_px2[..., None])
    similarity = exponents.exp() if hasattr(exponents, 'exp') else np.exp(exponents)
    if labelled is None:
        return similarity.mean(-1)
    with np.errstate(invalid='ignore'):
        return (similarity * labelled).sum(-1) / labelled.sum(-1)
