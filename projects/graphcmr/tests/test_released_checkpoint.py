"""The authors' checkpoints convert completely, and the network then says what a plain one says of the same weights."""

import pytest
import torch
from torchvision.models import resnet18, resnet50

from das_mm.checkpoints.conversion import convert_checkpoint
from das_mm.checkpoints.model_loader import load_model
from das_mm.errors import UserError
from projects.graphcmr.graphcmr.graph_cnn import GraphCNN
from projects.graphcmr.graphcmr.released_checkpoint import CONFIG, ReleasedGraphCMR, weights_for_any_body
from projects.graphcmr.graphcmr.smpl_regressors import SMPLParamRegressor
from projects.graphcmr.tests.plain_graphcmr import (
    dense_adjacency,
    graph_network,
    image_features,
    random_weights,
    smpl_parameters,
)

SMALL = """_base_ = 'das_mm::projects/graphcmr/configs/_base_/graphcmr_resnet50.py'
model = dict(
    backbone=dict(depth=18),
    head=dict(
        vertex_network=dict(feature_channels=512, num_channels=32, num_layers=2),
        parameter_network=dict(hidden_channels=32),
        body=dict(_delete_=True, type='SMPLBody'), pyramid=None))
"""


def released_shapes(mesh, resnet, feature_channels, num_channels, num_layers, hidden_channels):
    """Names of the authors' code and shapes, at any size."""
    with torch.device('meta'):
        trunk = resnet().state_dict()
        graph = GraphCNN(mesh, feature_channels, num_channels, num_layers).state_dict()
        regressor = SMPLParamRegressor(mesh, hidden_channels).state_dict()
    named = {f'graph_cnn.resnet.{name}': tensor for name, tensor in trunk.items()}
    named |= {f'graph_cnn.{name}': tensor for name, tensor in graph.items()}
    named |= {f'smpl_param_regressor.{name}': tensor for name, tensor in regressor.items()}
    return {name: list(tensor.shape) for name, tensor in named.items()}


@pytest.fixture(scope='module')
def mesh(body_pyramid):
    from das_mm.bodies import load_generated_body
    from projects.graphcmr.graphcmr.body_mesh import level_mesh

    return level_mesh(body_pyramid, load_generated_body().v_template, 1)


@pytest.fixture(scope='module')
def released(mesh, tmp_path_factory):
    """A file as the authors' trainer saves it, small, and its weights."""
    weights = random_weights(released_shapes(mesh, resnet18, 512, 32, 2, 32), seed=3)
    parts = {part: {} for part in ('graph_cnn', 'smpl_param_regressor')}
    for name, tensor in weights.items():
        part, _, rest = name.partition('.')
        parts[part][rest] = tensor
    folder = tmp_path_factory.mktemp('released')
    torch.save(dict(parts, optimizer=dict(state={}, param_groups=[]), epoch=3), folder / 'released.pt')
    (folder / 'small.py').write_text(SMALL)
    return folder, weights


def test_sizes_are_the_released_ones(mesh, mesh_cache):
    shapes = released_shapes(mesh, resnet50, 2048, 256, 5, 1024)
    counts = [sum(name.startswith(part) for name in shapes) for part in ('graph_cnn.', 'smpl_param_regressor.')]
    assert counts == [444, 37]
    for name, shape in {
        'graph_cnn.gc.0.W': [512, 2051],
        'graph_cnn.gc.1.skip_conv.W': [256, 512],
        'graph_cnn.gc.6.conv.weight': [128, 128],
        'graph_cnn.gc.6.skip_conv.b': [256],
        'graph_cnn.shape.1.lin2.W': [32, 16],
        'graph_cnn.shape.4.W': [3, 32],
        'graph_cnn.camera_fc.4.weight': [3, 1723],
        'graph_cnn.resnet.fc.weight': [1000, 2048],
        'smpl_param_regressor.layers.0.fc_block.0.weight': [1024, 10338],
        'smpl_param_regressor.layers.2.fc_block.4.running_var': [1024],
        'smpl_param_regressor.layers.3.weight': [226, 1024],
    }.items():
        assert shapes[name] == shape
    assert ReleasedGraphCMR.recognises(dict.fromkeys(shapes))
    # the config that a released file is for has all of it, but for the classes of ImageNet
    wanted = {name: list(tensor.shape) for name, tensor in weights_for_any_body(CONFIG).items()}
    prefixes = {
        'graph_cnn.resnet.': 'backbone.',
        'graph_cnn.': 'head.vertex_network.',
        'smpl_param_regressor.': 'head.parameter_network.',
    }
    ours = {}
    for name, shape in shapes.items():
        prefix = next(prefix for prefix in prefixes if name.startswith(prefix))
        ours[prefixes[prefix] + name.removeprefix(prefix)] = shape
    assert {name: shape for name, shape in ours.items() if '.fc.' not in name} == wanted


def test_converted_network_says_what_the_plain_one_says(released, mesh, body_pyramid, mesh_cache):
    folder, weights = released
    conversion = convert_checkpoint(folder / 'released.pt', folder / 'ours.pth', str(folder / 'small.py'))
    fates = [entry.fate.value for entry in conversion.ledger.entries]
    assert len(fates) == len(weights) and fates.count('dropped') == 2
    dead = {entry.source for entry in conversion.ledger.entries if entry.reason.startswith('never read')}
    assert dead == {f'graph_cnn.gc.{block}.skip_conv.{part}' for block in (2, 3) for part in 'Wb'}
    assert '4 tensors of skip_conv' in conversion.remarks[0]

    model = load_model(folder / 'ours.pth', device='cpu')
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    template = torch.tensor(mesh.template, dtype=torch.float32)
    with torch.no_grad():
        features = model.extract_feat(images)
        found = model.head(features)
        points, _ = model.head.vertex_network(features)
        plain_features = image_features(weights, images)
        adjacency = dense_adjacency(body_pyramid.adjacency[1].toarray())
        plain_points, plain_camera = graph_network(weights, adjacency, template, plain_features)
        plain_rotations, plain_betas = smpl_parameters(weights, template, plain_points)
        upsampled = torch.tensor(body_pyramid.up[0].toarray(), dtype=torch.float32) @ plain_points
    close = lambda ours, theirs: torch.allclose(ours, theirs, atol=1e-5, rtol=1e-5)
    assert close(features, plain_features) and close(points, plain_points) and close(found.camera, plain_camera)
    assert close(found.vertices, upsampled)
    assert close(found.parameters.rotations, plain_rotations) and close(found.parameters.betas, plain_betas)


def test_checkpoints_of_other_models_are_refused(released, tmp_path, mesh_cache):
    folder, weights = released
    with pytest.raises(UserError, match='another shape'):
        convert_checkpoint(
            folder / 'released.pt', tmp_path / 'x.pth', 'projects/graphcmr/configs/_base_/graphcmr_resnet50.py'
        )
    torch.save(dict(graph_cnn={'fc.weight': torch.zeros(3, 3)}), tmp_path / 'other.pt')
    with pytest.raises(UserError, match='unknown model') as raised:
        convert_checkpoint(tmp_path / 'other.pt', tmp_path / 'x.pth', project='graphcmr')
    assert 'GraphCMR' in raised.value.remedy
    incomplete = {name.partition('.')[2]: tensor for name, tensor in weights.items() if name.startswith('graph_cnn.')}
    torch.save(dict(graph_cnn=incomplete), tmp_path / 'half.pt')
    with pytest.raises(UserError, match='missing'):
        convert_checkpoint(tmp_path / 'half.pt', tmp_path / 'x.pth', str(folder / 'small.py'))
    assert not (tmp_path / 'x.pth').exists()
