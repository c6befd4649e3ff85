"""Many poses of one person in one picture."""

from __future__ import annotations

import numpy as np
import pytest

from das_mm.structures import KEYPOINT_SETS
from das_mm.visualization.sample_spread import draw_spread


def test_lines_are_where_the_poses_are_and_the_image_stays():
    image = np.full((80, 100, 3), 128, np.uint8)
    before = image.copy()
    count = KEYPOINT_SETS['prohmr44'].num_keypoints
    poses = np.random.default_rng(0).uniform([10, 10], [45, 70], (6, count, 2))
    drawn = draw_spread(image, poses, 'prohmr44', (86, 180, 233))
    assert (image == before).all()
    touched = (drawn != image).any(-1)
    assert touched[:, 5:50].mean() > 0.2 and not touched[:, 55:].any()
    assert (draw_spread(image, poses[:0], 'prohmr44', (0, 0, 0)) == image).all()
    far = np.full_like(poses, np.nan)
    assert (draw_spread(image, far, 'prohmr44', (0, 0, 0)) == image).all()
    with pytest.raises(ValueError, match='44 keypoints'):
        draw_spread(image, poses[:, :3], 'prohmr44', (0, 0, 0))
