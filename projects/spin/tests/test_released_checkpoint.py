"""The released checkpoint, against a network written down plainly from the authors' description."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch.nn import functional as F

from das_mm.checkpoints.conversion import Fate, SourceFile, recognise
from das_mm.checkpoints.model_loader import build_model
from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError
from projects.spin.spin.ief_head import RegressedBody

CONFIG = 'spin_resnet50_released-224x224'
# beside the trunk, in the order of the file
_REGRESSOR = dict(
    init_pose=(1, 144),
    init_shape=(1, 10),
    init_cam=(1, 3),
    **{
        f'{name}.{part}': shape if part == 'weight' else shape[:1]
        for name, shape in dict(
            fc1=(1024, 2205), fc2=(1024, 1024), decpose=(144, 1024), decshape=(10, 1024), deccam=(3, 1024)
        ).items()
        for part in ('weight', 'bias')
    },
)


@pytest.fixture(scope='module')
def trunk():
    torch.manual_seed(0)
    trunk = torchvision.models.resnet50(weights=None)
    trunk.fc = torch.nn.Identity()
    for module in trunk.modules():  # statistics that are not those of a fresh network
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return trunk.eval()


@pytest.fixture(scope='module')
def released(trunk):
    torch.manual_seed(1)
    rest = {name: 0.005 * torch.randn(shape) for name, shape in _REGRESSOR.items()}
    rest['init_pose'] = rest['init_pose'] + torch.tensor([1.0, 0, 0, 1, 0, 0]).repeat(24)
    rest['init_cam'] = torch.tensor([[0.9, 0.0, 0.0]])
    return rest | trunk.state_dict()


def _plain_spin(trunk, weights, images) -> RegressedBody:
    """In evaluation mode, six numbers of a rotation as a 3×2 block row by row."""
    feature = trunk(images)
    linear = lambda name, x: F.linear(x, weights[f'{name}.weight'], weights[f'{name}.bias'])
    pose, shape, cam = (weights[f'init_{part}'].expand(len(images), -1) for part in ('pose', 'shape', 'cam'))
    for _ in range(3):
        hidden = linear('fc2', linear('fc1', torch.cat([feature, pose, shape, cam], 1)))
        pose, shape, cam = (
            pose + linear('decpose', hidden),
            shape + linear('decshape', hidden),
            cam + linear('deccam', hidden),
        )
    block = pose.reshape(-1, 3, 2)
    a1, a2 = block[:, :, 0], block[:, :, 1]
    b1 = F.normalize(a1, dim=1)
    b2 = F.normalize(a2 - (b1 * a2).sum(1, keepdim=True) * b1, dim=1)
    rotations = torch.stack([b1, b2, torch.linalg.cross(b1, b2)], dim=-1)
    return RegressedBody(rotations.reshape(-1, 24, 3, 3), shape, cam)


def _source(weights):
    return SourceFile('model_checkpoint.pt', dict(weights), {}, [], '')


@pytest.fixture(scope='module')
def converted(released):
    kind = recognise(released)
    assert kind.__name__ == 'ReleasedSPIN'
    return kind.convert(_source(released), config=None)


@torch.no_grad()
def test_the_converted_network_says_what_the_released_one_says(trunk, released, converted):
    assert len(released) == len(converted.ledger.result) == 331
    model = build_model(read_config(config_path(CONFIG))).eval()
    model.load_state_dict(converted.ledger.result, strict=True)
    images = torch.randn(2, 3, 64, 64)
    found, expected = model(images, None, mode='tensor'), _plain_spin(trunk, released, images)
    for one, other in zip(found, expected):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)
    assert (expected.rotations[0] - expected.rotations[1]).abs().max() > 1e-3  # the images matter


def test_what_is_changed_is_told(converted):
    changed = {entry.source for entry in converted.ledger.entries if entry.fate is Fate.FOLDED}
    assert changed == {'decpose.weight', 'decpose.bias', 'init_pose', 'fc1.weight'}
    assert {entry.fate for entry in converted.ledger.entries} == {Fate.FOLDED, Fate.USED}
    assert 'columns 2048 to 2191' in converted.remarks[0]
    assert converted.meta['config'].endswith(f'{CONFIG}.py')


def test_a_damaged_file_is_refused(released):
    kind = recognise(released)
    for damage, words in (
        ({'fc2.bias': None}, '1 missing: head.fc2.bias'),
        ({'smpl.v_template': torch.zeros(2)}, '1 that it does not have: smpl.v_template'),
    ):
        weights = {name: value for name, value in {**released, **damage}.items() if value is not None}
        with pytest.raises(UserError, match=words):
            kind.convert(_source(weights))


def test_sizes_are_those_of_the_paper(converted):
    head = {name: value for name, value in converted.ledger.result.items() if name.startswith('head.')}
    assert sum(value.numel() for name, value in head.items() if '.init_' not in name) == 3_469_469
