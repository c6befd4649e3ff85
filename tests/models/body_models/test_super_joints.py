import numpy as np
import pytest
import torch

from das_mm.errors import UserError
from das_mm.models.body_models import SMPLBody, SuperJoints, superset_layer
from das_mm.structures.tensor_rotations import axis_angle_to_matrix


@pytest.fixture(scope='module')
def body():
    return SMPLBody()


@pytest.fixture(scope='module')
def people():
    generator = torch.Generator().manual_seed(0)
    turns = axis_angle_to_matrix(0.3 * torch.randn(3, 24, 3, generator=generator))
    return turns[:, 0], turns[:, 1:], torch.randn(3, 10, generator=generator)


@pytest.mark.parametrize('name, count', [('gt24', 24), ('spin49', 49), ('prohmr44', 44), ('j14', 14), ('smpl24', 24)])
def test_joints_are_the_matrix_of_the_set(body, people, name, count):
    vertices, joints = body(*people)
    module = SuperJoints(body, name)
    found = module(vertices, joints)
    matrix = torch.tensor(body.superset_matrix(name).toarray(), dtype=torch.float32)
    assert found.shape == (3, count, 3) and not module.state_dict()
    torch.testing.assert_close(found, matrix @ torch.cat([vertices, joints], 1), atol=1e-5, rtol=0)
    torch.testing.assert_close(found, superset_layer(body, name)(*people), atol=1e-5, rtol=0)


def test_a_mesh_without_a_tree_has_its_joints_regressed(body, people):
    vertices, _ = body(*people)
    module = SuperJoints(body, 'gt24')
    regressed = body.J_regressor @ vertices
    torch.testing.assert_close(module(vertices), module(vertices, regressed))
    assert torch.equal(module(vertices)[:, 0], regressed[:, 8])  # GT24 begins with the right ankle


def test_gradients_reach_vertices_and_joints(body, people):
    vertices, joints = (part.detach().requires_grad_() for part in body(*people))
    SuperJoints(body, 'spin49')(vertices, joints).sum().backward()
    assert vertices.grad.abs().sum() > 0 and joints.grad.abs().sum() > 0


def test_what_is_wrong_is_told(body):
    with pytest.raises(UserError, match='(?s)vertices.*6890'):
        SuperJoints(body, 'gt24')(torch.zeros(1, 1723, 3))
    with pytest.raises(UserError, match="no joints of the set 'coco17'"):
        SuperJoints(body, 'coco17')


def test_files_of_the_body_serve(tmp_path, people):
    rows = np.zeros((9, 6890))
    rows[:, 17] = 1
    np.save(tmp_path / 'extra.npy', rows)
    vertices, joints = (body := SMPLBody(regressors={'extra': tmp_path / 'extra.npy'}))(*people)
    found = SuperJoints(body, 'gt24')(vertices, joints)
    assert torch.equal(found[:, 12], vertices[:, 17])
