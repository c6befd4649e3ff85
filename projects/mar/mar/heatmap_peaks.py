"""Peaks of heat maps, numpy (SMAP's suppression and refinement). Letters: K keypoints, h, w of a map, P peaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_WINDOW = 3  # cells about a peak that its centroid is taken over: 7 x 7


@dataclass(frozen=True)
class Peaks:
    """The peaks of all keypoints of an image, sorted by keypoint, best first.

    Attributes:
        places: (P, 2) x, y in cells, refined.
        scores: (P,) values of the maps.
        first: (K + 1,): those of keypoint k are the rows ``first[k]:first[k + 1]``.
    """

    places: np.ndarray
    scores: np.ndarray
    first: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def of(self, keypoint: int) -> slice:
        """Rows of a keypoint's peaks."""
        return slice(int(self.first[keypoint]), int(self.first[keypoint + 1]))


def find_peaks(heatmaps: np.ndarray, threshold: float, limit: int = 100) -> Peaks:
    """Cells above the threshold and above all of their eight neighbours; of equal ones side by side the first.

    (SMAP lets equal neighbours both go, and maps of bfloat16 have many.) A peak is refined to the centroid of the
    positive values about it.

    Args:
        heatmaps: (K, h, w).
        threshold: Least value.
        limit: At most so many peaks a keypoint, the best.
    """
    keypoint, y, x = np.nonzero(heatmaps > threshold)
    padded = np.pad(heatmaps, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    values = heatmaps[keypoint, y, x]
    for step_y, step_x in ((0, 1), (2, 1), (1, 0), (1, 2), (0, 0), (0, 2), (2, 0), (2, 2)):
        neighbour = padded[keypoint, y + step_y, x + step_x]
        above = values > neighbour if (step_y, step_x) < (1, 1) else values >= neighbour
        keypoint, y, x, values = keypoint[above], y[above], x[above], values[above]
    order = np.lexsort((-values, keypoint))
    keypoint, y, x, values = keypoint[order], y[order], x[order], values[order]
    rank = np.arange(len(keypoint)) - np.searchsorted(keypoint, keypoint)
    keep = rank < limit
    keypoint, y, x, values = keypoint[keep], y[keep], x[keep], values[keep]
    first = np.searchsorted(keypoint, np.arange(len(heatmaps) + 1))
    return Peaks(_centroids(heatmaps, keypoint, y, x), values, first)


def _centroids(heatmaps: np.ndarray, keypoint: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(P, 2) centroids of the positive values in the windows about cells, which end at the border of the map."""
    steps = np.arange(-_WINDOW, _WINDOW + 1)
    # the window is as far on either side as the nearer border, or a peak beside it would be drawn inward
    reach_y = np.minimum(np.minimum(y, heatmaps.shape[1] - 1 - y), _WINDOW)
    reach_x = np.minimum(np.minimum(x, heatmaps.shape[2] - 1 - x), _WINDOW)
    rows = np.clip(y[:, None] + steps, 0, heatmaps.shape[1] - 1)[:, :, None]
    columns = np.clip(x[:, None] + steps, 0, heatmaps.shape[2] - 1)[:, None, :]
    window = np.maximum(heatmaps[keypoint[:, None, None], rows, columns], 0).astype(np.float64)  # (P, 7, 7)
    window *= (np.abs(steps) <= reach_y[:, None])[:, :, None] & (np.abs(steps) <= reach_x[:, None])[:, None, :]
    total = window.sum((1, 2))
    shift = np.stack([(window.sum(1) * steps).sum(1), (window.sum(2) * steps).sum(1)], -1)
    return np.stack([x, y], -1) + shift / np.maximum(total, 1e-12)[:, None]
