"""The map of where people were, an input of tracking networks (Zhou et al., CenterTrack, 2020), in numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

# as CenterNet draws its targets: boxes moved by the radius still overlap by so much
MIN_OVERLAP = 0.7


def draw_centers(
    centers_px: Sequence[Sequence[float]] | np.ndarray,
    sizes_px: Sequence[Sequence[float]] | np.ndarray,
    shape: tuple[int, int],
) -> np.ndarray:
    """(H, W) float32 map with a Gaussian peak of height 1 for each of M people.

    Args:
        centers_px: (M, 2); who is not on the map is left out.
        sizes_px: (M, 2) width and height, which set the spread.
        shape: (H, W).
    """
    center_map = np.zeros(shape, np.float32)
    height, width = shape
    for (x, y), (box_width, box_height) in zip(centers_px, sizes_px):
        column, row = round(float(x)), round(float(y))
        if not (0 <= column < width and 0 <= row < height):
            continue
        radius = max(1, int(overlap_radius(max(float(box_width), 1.0), max(float(box_height), 1.0))))
        peak = _peak(radius)
        top, bottom, left, right = max(row - radius, 0), row + radius + 1, max(column - radius, 0), column + radius + 1
        part = center_map[top:bottom, left:right]
        begin_row, begin_column = top - (row - radius), left - (column - radius)
        np.maximum(
            part, peak[begin_row : begin_row + part.shape[0], begin_column : begin_column + part.shape[1]], out=part
        )
    return center_map


def overlap_radius(width: float, height: float, min_overlap: float = MIN_OVERLAP) -> float:
    """How far the corners of a box may move so that it still overlaps itself by ``min_overlap`` (CornerNet, Law and
    Deng 2018): the least of the three cases that both corners move alike, inwards, or outwards."""
    perimeter, area, overlap = width + height, width * height, min_overlap
    alike = (perimeter - math.sqrt(perimeter**2 - 4 * area * (1 - overlap) / (1 + overlap))) / 2
    inwards = (2 * perimeter - math.sqrt(4 * perimeter**2 - 16 * area * (1 - overlap))) / 8
    outwards = (
        -2 * overlap * perimeter + math.sqrt(4 * (overlap * perimeter) ** 2 + 16 * overlap * (1 - overlap) * area)
    ) / (8 * overlap)
    return min(alike, inwards, outwards)


def _peak(radius: int) -> np.ndarray:
    """(2 radius + 1, 2 radius + 1) Gaussian of σ a sixth of that."""
    steps = np.arange(-radius, radius + 1, dtype=np.float32)
    sigma = (2 * radius + 1) / 6
    peak = np.exp(-(steps[:, None] ** 2 + steps**2) / np.float32(2 * sigma * sigma))
    peak[peak < np.finfo(np.float32).eps * peak.max()] = 0
    return peak
