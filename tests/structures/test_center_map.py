"""The map of previous centres against mmdet's functions, which draw the same for CenterNet."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmdet.models.utils import gaussian_radius, gen_gaussian_target

from das_mm.structures.center_map import MIN_OVERLAP, draw_centers, overlap_radius


@pytest.mark.parametrize('width, height', [(1, 1), (10, 40), (123.4, 60.7), (500, 3)])
def test_radius(width, height):
    assert overlap_radius(width, height) == pytest.approx(gaussian_radius((height, width), MIN_OVERLAP), abs=1e-9)


def test_peaks():
    """At the borders, over one another, off the map, and of people without a size."""
    centers = [(0, 0), (47.4, 31.6), (20.2, 10.1), (23, 12), (-3, 5), (48, 5), (30, 20)]
    sizes = [(20, 40), (30, 30), (16, 32), (40, 10), (9, 9), (9, 9), (0, 0)]
    expected = torch.zeros(32, 48)
    for (x, y), (width, height) in zip(centers, sizes):
        column, row = round(x), round(y)
        if 0 <= column < 48 and 0 <= row < 32:
            radius = max(1, int(gaussian_radius((max(height, 1.0), max(width, 1.0)), MIN_OVERLAP)))
            gen_gaussian_target(expected, [column, row], radius)
    found = draw_centers(centers, sizes, (32, 48))
    assert found.dtype == np.float32 and found.shape == (32, 48)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)
    assert found[0, 0] == found[10, 20] == 1 and (found > 0).sum() > 30
    assert not draw_centers([], [], (4, 5)).any()
