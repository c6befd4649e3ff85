"""Round trips, gradients and edges of the rotation functions."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch.autograd import gradcheck

from das_mm.structures import tensor_rotations
from das_mm.structures.tensor_rotations import (
    axis_angle_to_matrix,
    matrix_to_axis_angle,
    matrix_to_rotation_6d,
    mirror_pose,
    mirror_rotations,
    move_translation,
    rotation_6d_to_matrix,
)

TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-14}
ANGLES = [0.0, 1e-12, 1e-8, 1e-5, 9.9e-3, 1.01e-2, 0.1, 1.0, 3.0, math.pi - 1e-3, math.pi - 1e-7, math.pi]

# two columns that span no plane, or hardly one
DEGENERATE = torch.tensor(
    [
        [0.0, 0, 0, 0, 0, 0],
        [1, 2, 3, 0, 0, 0],
        [0, 0, 0, 1, 2, 3],
        [0, 0, 0, 1, 0, 0],
        [1, 0, 0, 1, 0, 0],
        [1, 2, 3, 2, 4, 6],
        [1, 2, 3, -1, -2, -3],
        [1, 1, 1, 1, 1, 1 + 1e-7],
        [1, 1, 1, 1, 1, 1 + 1e-4],
        [1e-30, 0, 0, 0, 1e-30, 0],
        [1e30, 0, 0, 0, 1e30, 0],
        [1e-7, 0, 0, 1, 1, 0],
    ],
    dtype=torch.float64,
)


def directions(count=50, dtype=torch.float64):
    vectors = torch.randn(count, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.nn.functional.normalize(vectors, dim=-1).to(dtype)


def random_6d(*shape, dtype=torch.float64):
    return torch.randn(*shape, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


def assert_rotations(matrices, tolerance):
    assert (matrices @ matrices.mT - torch.eye(3)).abs().max() < tolerance
    assert (torch.linalg.det(matrices) - 1).abs().max() < tolerance


def test_examples():
    outcome = doctest.testmod(tensor_rotations)
    assert outcome.attempted and not outcome.failed


@pytest.mark.parametrize('dtype', TOLERANCE)
def test_6d_gives_rotations_whose_first_columns_it_holds(dtype):
    columns = random_6d(4, 100, dtype=dtype)
    matrices = rotation_6d_to_matrix(columns)
    assert_rotations(matrices, TOLERANCE[dtype])
    first = torch.nn.functional.normalize(columns[..., :3], dim=-1)
    assert (matrices[..., 0] - first).abs().max() < TOLERANCE[dtype]
    # the second column lies in the plane of both, on the side of the second
    assert ((columns[..., 3:] * matrices[..., 2]).sum(-1)).abs().max() < 10 * TOLERANCE[dtype]
    assert ((columns[..., 3:] * matrices[..., 1]).sum(-1) > 0).all()
    assert (rotation_6d_to_matrix(matrix_to_rotation_6d(matrices)) - matrices).abs().max() < TOLERANCE[dtype]


@pytest.mark.parametrize('dtype', TOLERANCE)
def test_degenerate_6d_gives_rotations_and_finite_gradients(dtype):
    columns = DEGENERATE.to(dtype).requires_grad_()
    matrices = rotation_6d_to_matrix(columns)
    assert_rotations(matrices, TOLERANCE[dtype])
    (matrices * torch.arange(9.0).reshape(3, 3)).sum().backward()
    assert columns.grad.isfinite().all() and columns.grad.abs().max() < 1e8
    torch.testing.assert_close(matrices[0], torch.eye(3, dtype=dtype))  # nothing known: the fixed axes
    # the direction that is known is kept
    torch.testing.assert_close(matrices[5][:, 0], columns.detach()[5, :3] / math.sqrt(14))


@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_spoils_its_own_row_only(bad):
    columns, vectors = random_6d(3), directions(3).clone()
    matrices = axis_angle_to_matrix(vectors)
    for function, values in (
        (rotation_6d_to_matrix, columns),
        (axis_angle_to_matrix, vectors),
        (matrix_to_axis_angle, matrices),
    ):
        expected = function(values)
        for place in range(values[1].numel()):
            spoilt = values.clone()
            spoilt[1].view(-1)[place] = bad
            result = function(spoilt)
            assert result[1].isnan().all(), (function.__name__, place)
            assert torch.equal(result[[0, 2]], expected[[0, 2]])


@pytest.mark.parametrize('angle', ANGLES)
@pytest.mark.parametrize('dtype', TOLERANCE)
def test_axis_angle_round_trip(angle, dtype):
    vectors = (directions(dtype=torch.float64) * angle).to(dtype).requires_grad_()
    matrices = axis_angle_to_matrix(vectors)
    expected = Rotation.from_rotvec(vectors.detach().double().numpy()).as_matrix()
    assert np.abs(matrices.detach().double().numpy() - expected).max() < TOLERANCE[dtype]
    back = matrix_to_axis_angle(matrices)
    assert (axis_angle_to_matrix(back) - matrices).abs().max() < TOLERANCE[dtype]
    assert back.norm(dim=-1).max() <= math.pi + TOLERANCE[dtype]
    if angle < math.pi - 1e-4:  # at pi either sign of the axis is the same rotation
        assert (back - vectors).abs().max() < TOLERANCE[dtype] * max(angle, 1e-3)
    back.sum().backward()
    assert vectors.grad.isfinite().all() and vectors.grad.abs().max() < 10


def test_small_angles_keep_their_digits():
    vectors = directions(dtype=torch.float32) * 1e-6
    back = matrix_to_axis_angle(axis_angle_to_matrix(vectors))
    assert (back - vectors).abs().max() < 1e-12


def test_angles_beyond_pi_are_the_same_rotation():
    axis = directions()
    torch.testing.assert_close(axis_angle_to_matrix(axis * 5.0), axis_angle_to_matrix(axis * (5.0 - 2 * math.pi)))


def test_gradients():
    near = [torch.zeros(1, 3, dtype=torch.float64), directions(3) * 5e-3, directions(3) * 1.5, directions(3) * 3.0]
    for vectors in near:
        assert gradcheck(axis_angle_to_matrix, vectors.clone().requires_grad_())
        matrices = axis_angle_to_matrix(vectors)
        assert gradcheck(matrix_to_axis_angle, matrices.requires_grad_())
    assert gradcheck(rotation_6d_to_matrix, random_6d(5).requires_grad_())
    assert gradcheck(matrix_to_rotation_6d, rotation_6d_to_matrix(random_6d(2)).requires_grad_())


def test_half_precision_and_integers():
    assert rotation_6d_to_matrix(random_6d(2, 3).half()).dtype == torch.float32
    assert axis_angle_to_matrix(torch.tensor([0, 0, 1])).dtype == torch.float64


def test_autocast_costs_no_digits():
    vectors = directions(dtype=torch.float32)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        inside = axis_angle_to_matrix(vectors)
    assert torch.equal(inside, axis_angle_to_matrix(vectors))


def test_empty_and_single():
    assert rotation_6d_to_matrix(torch.zeros(0, 6)).shape == (0, 3, 3)
    assert matrix_to_axis_angle(torch.zeros(0, 22, 3, 3)).shape == (0, 22, 3)
    assert axis_angle_to_matrix(torch.zeros(2, 0, 3)).shape == (2, 0, 3, 3)
    assert matrix_to_rotation_6d(torch.eye(3)).tolist() == [1, 0, 0, 0, 1, 0]


def test_mirror_is_its_own_inverse_and_the_same_in_both_forms():
    pose = torch.randn(2, 24, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    mirrored = mirror_pose(pose)
    torch.testing.assert_close(mirror_pose(mirrored), pose)
    torch.testing.assert_close(mirror_rotations(axis_angle_to_matrix(pose)), axis_angle_to_matrix(mirrored))
    assert (mirrored[:, 18] == pose[:, 19] * torch.tensor([1.0, -1, -1])).all()  # the elbows change places


def test_translation_moves_with_the_scene():
    rotation = axis_angle_to_matrix(torch.tensor([0.1, 0.2, 0.9], dtype=torch.float64))
    pelvis, translation, point = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 4, 3)))
    root = axis_angle_to_matrix(torch.tensor([0.3, -1.0, 0.5], dtype=torch.float64))
    posed = lambda root, translation: (point - pelvis) @ root.T + pelvis + translation
    moved = posed(rotation @ root, move_translation(translation, pelvis, rotation))
    torch.testing.assert_close(moved, posed(root, translation) @ rotation.T, atol=1e-12, rtol=0)
