"""The released checkpoint, against a network written down plainly from the authors' description."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch.nn import functional as F

from das_mm.checkpoints.conversion import Fate, SourceFile, convert_checkpoint, recognise, weights_of_config
from das_mm.checkpoints.model_loader import load_model
from das_mm.errors import UserError
from projects.prohmr.prohmr import released_checkpoint
from projects.prohmr.prohmr.released_checkpoint import CONFIG, ReleasedProHMR
from tests.plain_glow import plain_to_data, plain_to_latent

SMALL = """_base_ = 'das_mm::projects/prohmr/configs/prohmr_resnet50_released-224x224.py'
model = dict(
    backbone=dict(depth=18),
    head=dict(in_channels=512, hidden_features=24, fc_channels=16),
    train_cfg=dict(discriminator=dict(joints_hidden=16)))
"""
# what the authors' file holds beside what is used
_BESIDE = {
    'initialized': torch.tensor(True),
    'flow.flow._transform.dummy_buffer': torch.zeros(()),
    **{f'flow.flow._transform._transforms.{step}.dummy_buffer': torch.zeros(()) for step in (0, 1, 2, 3, 11)},
    'smpl.v_template': torch.zeros(5, 3),
    'smpl.joint_map': torch.zeros(25, dtype=torch.int64),
}


def _released(wanted: dict, trunk: dict, seed=0) -> dict:
    """Weights by the authors' names, unlike those of a fresh network, as far as our names go back to theirs."""
    torch.manual_seed(seed)
    weights = {f'backbone.{name}': value for name, value in trunk.items()}
    for name, like in wanted.items():
        theirs = f'flow.{name.removeprefix("head.")}' if name.startswith('head.') else name
        if name.startswith('backbone.'):
            continue
        if like.dtype == torch.bool:
            weights[theirs] = torch.tensor(True)
        elif name.endswith('_features'):
            odd = (int(name.split('_transforms.')[1].split('.')[0]) // 3) % 2
            weights[theirs] = torch.arange(odd ^ ('transform_features' in name), 144, 2)
        elif not like.is_floating_point():
            weights[theirs] = torch.tensor(7)
        elif name.endswith('running_var'):
            weights[theirs] = torch.rand(like.shape) + 0.5
        else:
            weights[theirs] = 0.03 * torch.randn(like.shape)
    weights['flow.fc_head.init_cam'] = torch.tensor([[[0.9, 0.0, 0.1]]])
    return weights | _BESIDE


@pytest.fixture(scope='module')
def trunk():
    torch.manual_seed(1)
    trunk = torchvision.models.resnet18(weights=None)
    trunk.fc = torch.nn.Identity()
    for module in trunk.modules():  # statistics that are not those of a fresh network
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return trunk.eval()


@pytest.fixture(scope='module')
def released(trunk, tmp_path_factory):
    """A file as Lightning saves it, small, its weights, ours that were made of it, and what its config wants."""
    folder = tmp_path_factory.mktemp('released')
    (folder / 'small.py').write_text(SMALL)
    wanted = weights_of_config(str(folder / 'small.py'))
    weights = _released(wanted, trunk.state_dict())
    torch.save(dict(state_dict=weights, epoch=3, global_step=5, hyper_parameters={}), folder / 'checkpoint.pt')
    convert_checkpoint(folder / 'checkpoint.pt', folder / 'ours.pth', config=str(folder / 'small.py'))
    return folder, weights, wanted


def _plain_body(trunk, weights, images, z):
    """Rotations (B, 24, 3, 3), betas, camera, log-density of the six numbers, in evaluation mode."""
    feature = trunk(images)
    flow = {name.removeprefix('flow.flow.'): value for name, value in weights.items()}
    six = plain_to_data(flow, z, feature)
    _, log_det = plain_to_latent(flow, six, feature)
    log_prob = log_det - 0.5 * (z**2).sum(1) - 72 * torch.log(torch.tensor(2 * torch.pi))
    hidden = F.relu(feature @ weights['flow.fc_head.layers.0.weight'].T + weights['flow.fc_head.layers.0.bias'])
    offset = hidden @ weights['flow.fc_head.layers.2.weight'].T + weights['flow.fc_head.layers.2.bias']
    a1, a2 = six.reshape(-1, 2, 3).unbind(1)
    b1 = a1 / a1.norm(dim=1, keepdim=True)
    b2 = F.normalize(a2 - (b1 * a2).sum(1, keepdim=True) * b1, dim=1)
    rotations = torch.stack([b1, b2, torch.linalg.cross(b1, b2)], dim=-1).reshape(-1, 24, 3, 3)
    mean = weights['flow.fc_head.init_betas'][0], weights['flow.fc_head.init_cam'][0]
    return rotations, offset[:, :10] + mean[0], offset[:, 10:] + mean[1], log_prob


@torch.no_grad()
def test_the_converted_network_says_what_the_released_one_says(trunk, released):
    folder, weights, _ = released
    model = load_model(folder / 'ours.pth')
    images, z = torch.randn(3, 3, 64, 64), torch.randn(3, 144)
    for latent in (torch.zeros(3, 144), z):
        found = model.head(model.extract_context(images), z=latent[:, None])
        expected = _plain_body(trunk, weights, images, latent)
        for one, other in zip((found.rotations, found.betas, found.camera), expected):
            torch.testing.assert_close(one[:, 0], other, rtol=0, atol=1e-5)
        torch.testing.assert_close(found.log_prob[:, 0], expected[3], rtol=1e-6, atol=1e-3)
    assert (expected[0][0] - expected[0][1]).abs().max() > 1e-3  # the images matter
    assert model.discriminator(found.rotations[:, 0, 1:], found.betas[:, 0]).shape == (3, 25)


@pytest.fixture
def convert(released, monkeypatch):
    """Weights by the authors' names to a conversion, for the small config, which is built once."""
    folder, _, wanted = released
    monkeypatch.setattr(released_checkpoint, 'weights_of_config', lambda config: wanted)
    config = str(folder / 'small.py')
    return lambda weights: ReleasedProHMR.convert(SourceFile('checkpoint.pt', dict(weights), {}, [], ''), config)


def test_what_becomes_of_every_weight_is_told(released, convert):
    weights = released[1]
    converted = convert(weights)
    dropped = {entry.source for entry in converted.ledger.entries if entry.fate is Fate.DROPPED}
    assert dropped == set(_BESIDE)
    used = {entry.source for entry in converted.ledger.entries if entry.fate is Fate.USED}
    assert used == set(weights) - set(_BESIDE)
    assert recognise(weights) is ReleasedProHMR


def test_a_damaged_file_is_refused(released, convert):
    weights = released[1]
    flag = 'flow.flow._transform._transforms.3.initialized'
    for damage, words in (
        ({'initialized': torch.tensor(False)}, 'never set from labelled poses'),
        ({'initialized': None}, 'this weight is missing'),
        ({flag: None}, '1 missing: .*_transforms.3.initialized'),
        ({'flow.fc_head.layers.2.bias': torch.zeros(12)}, r'1 of another shape: flow.fc_head.layers.2.bias'),
    ):
        some = {name: value for name, value in {**weights, **damage}.items() if value is not None}
        with pytest.raises(UserError, match=words):
            convert(some)


def test_sizes_are_those_of_the_paper():
    wanted = weights_of_config(CONFIG)
    parameters = lambda prefix: sum(
        value.numel()
        for name, value in wanted.items()
        if name.startswith(prefix) and value.is_floating_point() and 'running' not in name and '.init_' not in name
    )
    assert parameters('head.flow.') == 25_893_856 and parameters('discriminator.') == 1_807_619
    assert wanted['head.fc_head.layers.0.weight'].shape == (1024, 2048)
    assert wanted['head.fc_head.init_cam'].shape == (1, 1, 3)
