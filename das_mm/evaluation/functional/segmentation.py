"""How well a mesh, drawn over its photograph, covers the person (GraphCMR and SPIN on LSP).

Labels of pixels: 0 is background; 255 is not judged. Counts are pooled over all images before anything is divided.
"""

from __future__ import annotations

import numpy as np

IGNORED = 255


def label_counts(pred: np.ndarray, gt: np.ndarray, num_classes: int) -> np.ndarray:
    """(C, C) pixels of one image by true (row) and predicted class.

    Args:
        pred, gt: (H, W) labels; pixels whose truth is 255 do not count.
        num_classes: C, the background among them.

    Raises:
        ValueError: The shapes differ, or there is another class.

    Example:
        >>> label_counts(np.array([[0, 1, 1]]), np.array([[0, 1, 255]]), 2).tolist()
        [[1, 0], [0, 1]]
    """
    if pred.shape != gt.shape:
        raise ValueError(f'labels of the shapes {pred.shape} and {gt.shape}')
    judged = gt != IGNORED
    true, found = gt[judged].astype(np.int64), pred[judged].astype(np.int64)
    if len(true) and max(true.max(), found.max()) >= num_classes:
        raise ValueError(f'class {max(true.max(), found.max())} of {num_classes}')
    return np.bincount(true * num_classes + found, minlength=num_classes**2).reshape(num_classes, num_classes)


def segmentation_scores(counts: np.ndarray) -> tuple[float, float]:
    """Accuracy in percent and the mean F1 of the classes (the background among them), of pooled counts (C, C).

    A class that is neither there nor predicted has no F1.

    Example:
        >>> segmentation_scores(np.array([[3, 1], [0, 4]]))
        (87.5, 0.873015873015873)
    """
    if not counts.sum():
        return float('nan'), float('nan')
    right = np.diag(counts).astype(np.float64)
    either = counts.sum(0) + counts.sum(1)
    there = either > 0
    return float(100 * right.sum() / counts.sum()), float((2 * right[there] / either[there]).mean())
