"""The rotations of arrays: against scipy, against those of tensors, and at their edges."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from das_mm.bodies import JOINT_NAMES
from das_mm.structures import rotations, tensor_rotations
from das_mm.structures.rotations import MIRROR_JOINTS, axis_angle_to_matrix, matrix_to_axis_angle, mirror_pose


def test_examples():
    outcome = doctest.testmod(rotations)
    assert outcome.attempted and not outcome.failed


def test_rodrigues():
    special = [[0, 0, 0], [1e-9, 0, 0], [np.pi, 0, 0], [0, 5.0, 0]]
    vectors = np.concatenate([np.random.default_rng(0).normal(0, 2, (50, 3)), special])
    np.testing.assert_allclose(axis_angle_to_matrix(vectors), Rotation.from_rotvec(vectors).as_matrix(), atol=1e-12)


@pytest.mark.parametrize('angle', [0.0, 1e-12, 1e-7, 1e-3, 1.0, 3.0, np.pi - 1e-6, np.pi])
def test_round_trip(angle):
    axes = np.random.default_rng(1).normal(size=(2, 5, 3))
    vectors = angle * axes / np.linalg.norm(axes, axis=-1, keepdims=True)
    matrices = axis_angle_to_matrix(vectors)
    back = matrix_to_axis_angle(matrices)
    np.testing.assert_allclose(axis_angle_to_matrix(back), matrices, atol=1e-12)
    assert np.linalg.norm(back, axis=-1).max() <= np.pi + 1e-9
    if angle < 3.1:
        np.testing.assert_allclose(back, vectors, atol=1e-12)


def test_the_same_as_with_tensors():
    poses = np.random.default_rng(2).normal(0, 1, (3, 24, 3))
    matrices = axis_angle_to_matrix(poses)
    tensors = tensor_rotations.axis_angle_to_matrix(torch.from_numpy(poses))
    np.testing.assert_allclose(matrices, tensors.numpy(), atol=1e-12)
    np.testing.assert_allclose(
        matrix_to_axis_angle(matrices), tensor_rotations.matrix_to_axis_angle(tensors).numpy(), atol=1e-9
    )
    np.testing.assert_array_equal(mirror_pose(poses), tensor_rotations.mirror_pose(torch.from_numpy(poses)).numpy())


def test_sides_change_places():
    swapped = [name.replace('left', '*').replace('right', 'left').replace('*', 'right') for name in JOINT_NAMES]
    assert [JOINT_NAMES[index] for index in MIRROR_JOINTS] == swapped


def test_types_and_edges():
    frozen = np.eye(3, dtype=np.float32)
    frozen.setflags(write=False)
    assert matrix_to_axis_angle(frozen).tolist() == [0, 0, 0]
    assert axis_angle_to_matrix(np.zeros((2, 0, 3), np.float32)).shape == (2, 0, 3, 3)
    assert matrix_to_axis_angle(np.zeros((0, 22, 3, 3))).shape == (0, 22, 3)
    assert axis_angle_to_matrix([0, 0, 1]).dtype == np.float64
    matrices = axis_angle_to_matrix(np.array([[0, 0, 1.0], [np.nan, 0, 0], [0, 2, 0]]))
    vectors = matrix_to_axis_angle(matrices)
    assert np.isnan(vectors[1]).all()
    np.testing.assert_allclose(vectors[[0, 2]], [[0, 0, 1], [0, 2, 0]], atol=1e-12)
    with pytest.raises(ValueError):
        matrix_to_axis_angle(np.diag([1.0, 1, -1]))
