import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from das_mm.errors import UserError
from projects.graphcmr.graphcmr.rotation_projection import project_to_rotation


@pytest.fixture
def matrices():
    found = torch.randn(40, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert 10 < (torch.linalg.det(found) < 0).sum() < 30
    return found


def test_result_is_the_nearest_rotation(matrices):
    found = project_to_rotation(matrices)
    assert torch.allclose(found @ found.mT, torch.eye(3, dtype=torch.float64).expand(40, 3, 3), atol=1e-12)
    assert torch.allclose(torch.linalg.det(found), torch.ones(40, dtype=torch.float64))
    distance = torch.linalg.matrix_norm(found - matrices)
    others = torch.tensor(Rotation.random(2000, random_state=0).as_matrix())
    assert (distance <= torch.linalg.matrix_norm(others[:, None] - matrices).min(0).values).all()


def test_official_determinant_turns_all_three_axes_about(matrices):
    right, official = project_to_rotation(matrices), project_to_rotation(matrices, 'official')
    left, _, v = np.linalg.svd(matrices.numpy())
    plain = left @ v
    plain *= np.linalg.det(plain)[:, None, None]
    assert np.allclose(official, plain)
    mirrored = torch.linalg.det(matrices) < 0
    assert torch.allclose(official[~mirrored], right[~mirrored])
    away = lambda found: torch.linalg.matrix_norm(found[mirrored] - matrices[mirrored]).mean()
    assert away(official) > 1.5 * away(right)


@pytest.mark.parametrize('determinant', ['right', 'official'])
def test_gradient(matrices, determinant):
    matrices = matrices[:12].requires_grad_(True)
    assert 0 < (torch.linalg.det(matrices) < 0).sum() < 12
    assert torch.autograd.gradcheck(lambda x: project_to_rotation(x, determinant), (matrices,))


def test_gradient_is_finite_where_singular_values_are_equal_or_cancel():
    eye = torch.eye(3)
    for matrix in (eye, -eye, 0 * eye, torch.diag(torch.tensor([1.0, 1, -1])), torch.diag(torch.tensor([1.0, 0, 0]))):
        matrix = matrix.clone().requires_grad_(True)
        found = project_to_rotation(matrix)
        assert torch.linalg.det(found).item() == pytest.approx(1)
        (found * torch.arange(9.0).reshape(3, 3)).sum().backward()
        assert matrix.grad.isfinite().all() and matrix.grad.abs().max() < 1e5
    stretched = (2 * eye).requires_grad_(True)  # equal values: d R = antisymmetric part of dM / 2
    weight = torch.arange(9.0).reshape(3, 3)
    (project_to_rotation(stretched) * weight).sum().backward()
    assert torch.allclose(stretched.grad, (weight - weight.T) / 4, atol=1e-6)


def test_what_is_not_finite_stays_alone():
    matrices = torch.eye(3).repeat(3, 1, 1)
    matrices[1, 0, 0] = torch.nan
    found = project_to_rotation(matrices.requires_grad_(True))
    assert found[1].isnan().all() and torch.equal(found[[0, 2]], torch.eye(3).repeat(2, 1, 1))
    assert project_to_rotation(torch.zeros(0, 24, 3, 3)).shape == (0, 24, 3, 3)
    with pytest.raises(UserError, match='wrong'):
        project_to_rotation(matrices, 'wrong')
