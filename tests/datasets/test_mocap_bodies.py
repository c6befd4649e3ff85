"""Real bodies for a discriminator: generated ones, those of a file, and files that hold something else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from das_mm.datasets import MoCapBodies
from das_mm.errors import UserError
from das_mm.structures.tensor_rotations import axis_angle_to_matrix


def test_generated_bodies_are_drawn_from_torchs_random_numbers():
    bodies = MoCapBodies(num_synthetic=6)
    torch.manual_seed(1)
    rotations, betas = bodies.draw(40)
    assert rotations.shape == (40, 23, 3, 3) and betas.shape == (40, 10)
    torch.testing.assert_close(rotations @ rotations.mT, torch.eye(3).expand(40, 23, 3, 3), rtol=0, atol=1e-5)
    assert 2 < len(betas.unique(dim=0)) <= 6
    torch.manual_seed(1)
    assert MoCapBodies(num_synthetic=6).draw(40)[0].equal(rotations)


@pytest.mark.parametrize('width', [72, 69])
def test_a_file_loses_its_root_and_what_is_not_finite(tmp_path, width):
    rng = np.random.default_rng(0)
    pose, betas = rng.normal(size=(5, width)).astype(np.float32), rng.normal(size=(5, 10)).astype(np.float32)
    betas[2] = np.nan
    np.savez(tmp_path / 'mocap.npz', body_pose=pose, betas=betas)
    rotations, shapes = MoCapBodies(tmp_path / 'mocap.npz').draw(50)
    row = int(np.abs(betas[:, 0] - shapes[0, 0].item()).argsort()[0])
    expected = axis_angle_to_matrix(torch.from_numpy(pose[row, -69:]).reshape(23, 3))
    torch.testing.assert_close(rotations[0], expected)
    assert shapes.isfinite().all()


def test_the_names_of_mosh(tmp_path):
    """As CRMH keeps its fits of Human3.6M."""
    pose = np.zeros((1, 72))
    pose[0, 3:6] = [0, 0, np.pi / 2]
    np.savez(tmp_path / 'mosh.npz', pose=pose, shape=np.ones((1, 10)), gender=np.array(['m']))
    rotations, betas = MoCapBodies(tmp_path / 'mosh.npz').draw(2)
    expected = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    torch.testing.assert_close(rotations[:, 0], expected.expand(2, 3, 3), atol=1e-6, rtol=0)
    assert betas.eq(1).all()


def test_other_files_are_told(tmp_path):
    path = tmp_path / 'mocap.npz'
    bodies = MoCapBodies(path)  # nothing is read yet
    with pytest.raises(UserError, match='mocap.npz'):
        bodies.draw(1)
    for arrays, field in (
        (dict(betas=np.zeros((2, 10))), 'body_pose'),
        (dict(body_pose=np.zeros((2, 63)), betas=np.zeros((2, 10))), 'body_pose'),
        (dict(body_pose=np.zeros((2, 72)), betas=np.zeros((3, 10))), 'betas'),
        (dict(body_pose=np.full((2, 72), np.nan), betas=np.zeros((2, 10))), 'body_pose'),
    ):
        np.savez(path, **arrays)
        with pytest.raises(UserError, match=rf'{field}: (.|\n)*remedy: give an npz'):
            MoCapBodies(path).draw(1)
    with pytest.raises(UserError, match='num_synthetic'):
        MoCapBodies(num_synthetic=0)
