"""Crops and their augmentation against the released code's formulas, and poses there and back as matrices."""

import numpy as np
import pytest

from das_mm.structures.crop_transform import (
    augment_pose,
    crop_frame,
    crop_matrix,
    crop_warp,
    restore_pose,
    turn_about_axis,
    whole_crop_pixels,
)
from das_mm.structures.keypoint_sets import KEYPOINT_SETS
from das_mm.structures.rotations import axis_angle_to_matrix

RNG = np.random.default_rng(0)


def released_transform(center, scale, res, rot):
    """The chain of matrices: to the box, then about the crop's centre, turned by -rot; scale is side / 200."""
    h = 200 * scale
    to_crop = np.array(
        [[res / h, 0, res * (-center[0] / h + 0.5)], [0, res / h, res * (-center[1] / h + 0.5)], [0, 0, 1]]
    )
    angle = -rot * np.pi / 180
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    to_middle = np.array([[1, 0, -res / 2], [0, 1, -res / 2], [0, 0, 1]])
    return np.linalg.inv(to_middle) @ turn @ to_middle @ to_crop


def test_places_are_those_of_the_released_code():
    for rotation in (0.0, 25.0, -60.0):
        center, scale = RNG.uniform(50, 400, 2), RNG.uniform(0.5, 2)
        expected = released_transform(center, scale, 224, rotation)[:2]
        assert np.allclose(crop_matrix(center, 200 * scale, 224, turn_about_axis(rotation)), expected)
    assert whole_crop_pixels(np.array([10.9, 11.0, -0.9, -1.5])).tolist() == [11, 12, 1, 0]
    # the middle of the box is the middle of the crop, between the pixels 4 and 5
    assert np.allclose(crop_warp(np.array([60.0, 40]), 20, 10, crop_frame(33.0, True, True)) @ [60, 40, 1], [4.5, 4.5])


@pytest.mark.parametrize('after', [True, False])
@pytest.mark.parametrize('flip', [True, False])
@pytest.mark.parametrize('rotation', [0.0, 47.0, -60.0])
def test_poses_come_back_as_matrices(after, flip, rotation):
    pose = RNG.normal(0, 1.2, (24, 3))  # some beyond pi
    seen = augment_pose(pose, rotation, flip, after)
    back = restore_pose(seen, rotation, flip, after)
    assert np.allclose(axis_angle_to_matrix(back), axis_angle_to_matrix(pose), atol=1e-9)
    # the root turns as the frame does: F·R·M·F or R·F·M·F
    frame = crop_frame(rotation, flip, after)
    root = frame @ axis_angle_to_matrix(pose[0]) @ (np.diag([-1.0, 1, 1]) if flip else np.eye(3))
    assert np.allclose(axis_angle_to_matrix(seen[0]), root, atol=1e-9)
    partner = list(KEYPOINT_SETS['smpl24'].flip_indices)
    expected = pose[partner] * [1, -1, -1] if flip else pose
    assert np.allclose(seen[1:], expected[1:])


def test_orders_differ():
    assert not np.allclose(crop_frame(30, True, True), crop_frame(30, True, False))
    points = RNG.normal(size=(5, 3))
    turned_first = (points @ crop_frame(30, False, True).T) * [-1, 1, 1]
    assert np.allclose(points @ crop_frame(30, True, True).T, turned_first)
