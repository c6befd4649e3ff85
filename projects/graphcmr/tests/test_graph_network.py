import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn
from trimesh.creation import icosphere

from projects.graphcmr.graphcmr.body_mesh import SparseMatrix, level_mesh
from projects.graphcmr.graphcmr.fc_mesh import FCMesh
from projects.graphcmr.graphcmr.graph_cnn import GraphCNN
from projects.graphcmr.graphcmr.graph_layers import GraphConvolution, GraphLinear, GraphResBlock, group_norm
from projects.graphcmr.graphcmr.mesh_pyramid import build_pyramid
from projects.graphcmr.graphcmr.smpl_regressors import SMPLParamRegressor
from projects.graphcmr.tests.plain_graphcmr import dense_adjacency, graph_network, random_weights, smpl_parameters


@pytest.fixture(scope='module')
def pyramid():
    ball = icosphere(2)
    return build_pyramid(ball.vertices, ball.faces)


@pytest.fixture(scope='module')
def mesh(pyramid):
    return level_mesh(pyramid, np.asarray(icosphere(2).vertices), 1)  # 41 points


def small_network(mesh):
    network = GraphCNN(mesh, feature_channels=24, num_channels=32, num_layers=2)
    names = {name: list(value.shape) for name, value in network.state_dict().items()}
    weights = random_weights(names, seed=1)
    network.load_state_dict(weights)
    return network.eval(), {f'graph_cnn.{name}': value for name, value in weights.items()}


def test_sparse_product_of_a_batch_is_the_product_of_each():
    matrix = sparse.random(7, 5, 0.4, random_state=0)
    layer = SparseMatrix(matrix)
    points = torch.randn(3, 5, 4, requires_grad=True)
    product = layer(points)
    dense = torch.tensor(matrix.toarray(), dtype=torch.float32)
    assert torch.allclose(product, dense @ points, atol=1e-6)
    weight = torch.randn_like(product)
    (product * weight).sum().backward()
    assert torch.allclose(points.grad, dense.T @ weight, atol=1e-6)
    assert not layer.state_dict()


def test_network_is_the_plain_one(mesh, pyramid):
    network, weights = small_network(mesh)
    features = torch.randn(3, 24)
    points, camera = network(features)
    template = torch.tensor(mesh.template, dtype=torch.float32)
    adjacency = dense_adjacency(pyramid.adjacency[1].toarray())
    plain_points, plain_camera = graph_network(weights, adjacency, template, features)
    assert torch.allclose(points, plain_points, atol=1e-5) and torch.allclose(camera, plain_camera, atol=1e-5)


def test_regressor_is_the_plain_one(mesh):
    template = torch.tensor(mesh.template, dtype=torch.float32)
    for determinant in ('right', 'official'):
        network = SMPLParamRegressor(mesh, hidden_channels=32, determinant=determinant)
        names = {name: list(value.shape) for name, value in network.state_dict().items()}
        weights = random_weights(names, seed=2)
        network.load_state_dict(weights)
        points = torch.randn(3, 41, 3)
        rotations, betas = network.eval()(points)
        weights = {f'smpl_param_regressor.{name}': value for name, value in weights.items()}
        with torch.no_grad():
            plain = smpl_parameters(weights, template, points, determinant == 'official')
        assert torch.allclose(rotations, plain[0], atol=1e-5) and torch.allclose(betas, plain[1], atol=1e-5)


def test_sizes_of_the_released_networks():
    points = 1723
    ring = sparse.csr_matrix(np.roll(np.eye(points), 1, axis=1))
    mesh = type('Mesh', (), dict(template=np.zeros((points, 3)), adjacency=ring, num_points=points))
    count = lambda module: sum(parameter.numel() for parameter in module.parameters())
    with torch.device('meta'):
        network, regressor = GraphCNN(mesh), SMPLParamRegressor(mesh)
    assert [count(part) for part in (network.gc, network.shape, network.camera_fc)] == [2_044_928, 32_771, 5_941]
    assert count(regressor) == 15_027_426


def test_normalisation_is_by_groups_of_eight_and_nothing_else(mesh):
    network, _ = small_network(mesh)
    norms = [module for module in network.modules() if isinstance(module, nn.GroupNorm)]
    assert len(norms) == 3 * 5 + 2 and all(norm.num_channels == 8 * norm.num_groups for norm in norms)
    assert not any('BatchNorm' in type(module).__name__ for module in network.modules())
    with pytest.raises(ValueError, match='groups of 8'):
        group_norm(12)


def test_convolution_spreads_to_neighbours_only_and_keeps_constants(mesh, pyramid):
    layer = GraphConvolution(8, 8, SparseMatrix(mesh.adjacency))
    flat = layer(torch.ones(1, 8, 41))
    assert torch.allclose(flat, flat[..., :1].expand_as(flat), atol=1e-5)
    features = torch.zeros(1, 8, 41)
    features[:, :, 5] = 1
    reached = (layer(features) - layer(0 * features))[0].abs().sum(0) > 1e-7
    neighbours = set(pyramid.adjacency[1][5].indices) | {5}
    assert set(reached.nonzero().flatten().tolist()) == neighbours


def test_first_weights_are_those_of_the_released_code(mesh):
    linear, convolution = GraphLinear(20, 30), GraphConvolution(8, 8, SparseMatrix(mesh.adjacency))
    for values, limit in ((linear.W, 1 / 600), (linear.b, 1 / 600), (convolution.weight, 1.5), (convolution.bias, 1.5)):
        assert values.abs().max() <= limit and values.abs().max() > 0.6 * limit


def test_balanced_weights_tell_vertices_apart_as_clearly_as_images(mesh):
    """Of the first layer's output, which group norm scales as a whole, the template is a part that counts."""
    features = torch.randn(64, 256, generator=torch.Generator().manual_seed(0))

    def shares(initialization):
        torch.manual_seed(0)
        network = GraphCNN(mesh, feature_channels=256, num_channels=32, num_layers=1, initialization=initialization)
        with torch.no_grad():
            stem = network._stem(features)
            points, _ = network(features)
        of_vertices, of_images = stem.var(dim=2).mean(), stem.mean(dim=2).var(dim=0).mean()
        return (of_vertices / of_images).item(), points

    share, points = shares('balanced')
    assert 0.4 < share < 2.5
    assert points.isfinite().all() and points.abs().max() < 2
    share, _ = shares('released')
    assert share < 0.02
    with pytest.raises(ValueError, match='initialization must be one of'):
        shares('zero')


def test_skip_weights_are_kept_and_dead_where_nothing_changes(mesh):
    same, other = (GraphResBlock(16, size, SparseMatrix(mesh.adjacency)) for size in (16, 32))
    assert list(same.state_dict()) == list(other.state_dict())
    features = torch.randn(2, 16, 41)
    before = same(features)
    nn.init.normal_(same.skip_conv.W)
    assert torch.equal(same(features), before)
    (same(features).sum() + other(features).sum()).backward()
    assert same.skip_conv.W.grad is None and other.skip_conv.W.grad is not None


def test_camera_is_read_from_the_graph(mesh):
    """A network whose graph is cut off from the image gives one camera for all images."""
    network, _ = small_network(mesh)
    with torch.no_grad():
        network.gc[0].W[:, 3:] = 0
        points, camera = network(torch.randn(2, 24))
        assert torch.allclose(points[0], points[1]) and torch.allclose(camera[0], camera[1])
        network.camera_fc[4].weight.zero_()
        assert torch.allclose(network(torch.randn(2, 24))[1], network.camera_fc[4].bias.expand(2, 3))


def test_fc_mesh_takes_its_place(mesh):
    points, camera = FCMesh(mesh, feature_channels=24, hidden_channels=8)(torch.randn(3, 24))
    assert points.shape == (3, 41, 3) and camera.shape == (3, 3)
