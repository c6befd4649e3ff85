import pytest
import torch
from torch import nn
from trimesh.creation import icosphere

from das_mm.errors import UserError
from das_mm.registry import MODELS
from projects.graphcmr.graphcmr.mesh_losses import MeshTargets
from projects.graphcmr.graphcmr.mesh_pyramid import build_pyramid
from projects.graphcmr.tests.test_mesh_pyramid import write_released

GRAPH = dict(type='GraphCNN', feature_channels=16, num_channels=16, num_layers=1)
REGRESSOR = dict(type='SMPLParamRegressor', hidden_channels=16)
BODY = dict(type='SMPLBody')


@pytest.fixture(scope='module')
def features():
    return torch.randn(3, 16, generator=torch.Generator().manual_seed(0))


def make_head(**changes):
    return MODELS.build(
        dict(dict(type='MeshRegressionHead', vertex_network=GRAPH, parameter_network=REGRESSOR, body=BODY), **changes)
    )


def make_targets(count, num_vertices=6890):
    eye = torch.eye(3)
    return MeshTargets(
        keypoints_2d=torch.ones(count, 24, 3),
        keypoints_3d=torch.ones(count, 24, 4) * torch.arange(24.0)[:, None],
        rotations=eye.expand(count, 24, 3, 3),
        betas=torch.ones(count, 10),
        vertices=torch.ones(count, num_vertices, 3),
        has_smpl=torch.ones(count, dtype=torch.bool),
        has_pose_3d=torch.ones(count, dtype=torch.bool),
    )


def gradients(module):
    return sum(0.0 if p.grad is None else float(p.grad.abs().sum()) for p in module.parameters())


def test_regressor_teaches_neither_the_graph_network_nor_the_camera(mesh_cache, features):
    head = make_head()
    leaf = features.clone().requires_grad_(True)
    predicted = head(leaf)
    assert predicted.vertices.shape == predicted.parameters.vertices.shape == (3, 6890, 3)
    losses = head.loss_by_prediction(predicted, make_targets(3))
    own = sum(value for name, value in losses.items() if name.startswith('loss_smpl_'))
    own.backward(retain_graph=True)
    assert gradients(head.parameter_network) > 0
    assert gradients(head.vertex_network) == 0 and leaf.grad is None
    sum(losses.values()).backward()
    assert gradients(head.vertex_network) > 0 and leaf.grad.abs().sum() > 0


def test_mesh_is_upsampled_before_its_loss_and_joints_are_those_of_the_whole_mesh(mesh_cache, features, body_pyramid):
    head = make_head(parameter_network=None).eval()
    with torch.no_grad():
        points, camera = head.vertex_network(features)
        predicted = head(features)
    upsampling = torch.tensor(body_pyramid.up[0].toarray(), dtype=torch.float32)
    assert points.shape == (3, 1723, 3) and predicted.parameters is None
    assert torch.allclose(predicted.vertices, upsampling @ points, atol=1e-6)
    targets = make_targets(3)
    found = head.loss_by_prediction(predicted, targets)['loss_vertices']
    assert torch.allclose(found, (predicted.vertices - targets.vertices).abs().mean())
    joints = head.joints(predicted.vertices)
    # row 14 of the set is a landmark; row 11 is the left wrist, a joint of the tree that is regressed from the mesh
    assert torch.allclose(joints[:, 11], (head.body.J_regressor @ predicted.vertices)[:, 20], atol=1e-6)


def test_regressor_sees_the_template_beside_the_points(mesh_cache):
    head = make_head().eval()
    seen = []
    head.parameter_network.layers.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    points = torch.randn(2, 1723, 3)
    rotations, _ = head.parameter_network(points)
    pairs = seen[0].reshape(2, 1723, 6)
    assert torch.equal(pairs[..., :3], points) and torch.equal(pairs[1, :, 3:], head.parameter_network.template)
    assert torch.allclose(torch.linalg.det(rotations), torch.ones(2, 24), atol=1e-5)


def test_second_step_of_the_training_moves_the_regressor_alone(mesh_cache, features):
    head = make_head(freeze_vertex_network=True).train()
    losses = head.loss_by_prediction(head(features), make_targets(3))
    assert all(name.startswith('loss_smpl_') for name in losses)
    sum(losses.values()).backward()
    assert gradients(head.parameter_network) > 0 and not head.vertex_network.training
    assert not any(parameter.requires_grad for parameter in head.vertex_network.parameters())


def test_baselines_have_a_mesh_or_parameters_alone(mesh_cache, features):
    fc = dict(type='FCMesh', feature_channels=16, hidden_channels=8)
    by_mesh = make_head(vertex_network=fc, parameter_network=None)
    direct = MODELS.build(
        dict(
            type='ParameterRegressionHead',
            body=BODY,
            parameter_network=dict(type='DirectSMPLRegressor', feature_channels=16, hidden_channels=16),
        )
    )
    for head, names in (
        (by_mesh, {'vertices', 'keypoints_2d', 'keypoints_3d'}),
        (direct, {f'smpl_{term}' for term in ('vertices', 'keypoints_2d', 'keypoints_3d', 'pose', 'betas')}),
    ):
        losses = head.loss_by_prediction(head(features), make_targets(3))
        assert set(losses) == {f'loss_{name}' for name in names}
        sum(losses.values()).backward()
        assert gradients(head) > 0
    assert direct.parameter_network.layers[-1].weight.grad[-3:].abs().sum() > 0  # the camera learns


def test_no_tensor_of_the_body_is_in_a_checkpoint(mesh_cache):
    names = set(make_head().state_dict())
    assert all(name.startswith(('vertex_network.', 'parameter_network.')) for name in names)
    assert not any(word in name for name in names for word in ('template', 'adjacency', 'upsampling'))
    assert isinstance(make_head().body, nn.Module)


def test_pyramid_of_another_body_is_refused(tmp_path):
    ball = icosphere(2)
    path = write_released(tmp_path / 'ball.npz', build_pyramid(ball.vertices, ball.faces))
    with pytest.raises(UserError, match='body of 162 vertices, this one has 6890') as raised:
        make_head(pyramid=str(path))
    assert raised.value.file == str(path) and raised.value.remedy
