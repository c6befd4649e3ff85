"""The released checkpoint, against a network written down plainly in mmdetection 1's terms."""

from __future__ import annotations

import pytest
import torch
from mmpose.structures import PoseDataSample

from das_mm.checkpoints.conversion import Fate, SourceFile, recognise, weights_of_config
from das_mm.checkpoints.conversion.source_file import read_source
from das_mm.checkpoints.model_loader import build_model
from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError

from .plain_crmh import plain_crmh, plain_judge, random_judge, random_weights, trunk

CONFIG = 'crmh_resnet50-fpn_released-832x512'


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    return trunk()


@pytest.fixture(scope='module')
def released(network):
    torch.manual_seed(1)
    return random_weights(network)


@pytest.fixture(scope='module')
def judge():
    torch.manual_seed(2)
    return random_judge()


@pytest.fixture(scope='module', autouse=True)
def wanted():
    """The names of the config's model, asked for once."""
    with pytest.MonkeyPatch.context() as patch:
        known = weights_of_config(CONFIG)
        patch.setattr('projects.crmh.crmh.released_checkpoint.weights_of_config', lambda config: dict(known))
        yield


@pytest.fixture(scope='module')
def converted(released, judge, tmp_path_factory):
    root = tmp_path_factory.mktemp('released')
    torch.save(dict(meta={}, state_dict=judge), root / 'adv_latest.pth')
    kind = recognise(released)
    assert kind.__name__ == 'ReleasedCRMH'
    return kind.convert(SourceFile(root / 'latest.pth', dict(released), {}, [], ''))


@pytest.fixture(scope='module')
def model(converted):
    model = build_model(read_config(config_path(CONFIG))).eval()
    model.load_state_dict(converted.ledger.result, strict=True)
    return model


@torch.no_grad()
def test_the_converted_network_says_what_the_released_one_says(model, network, released):
    shape, padded = (60, 90), (64, 96)
    image = torch.zeros(1, 3, *padded)
    image[..., : shape[0], : shape[1]] = torch.randn(1, 3, *shape)
    sample = PoseDataSample(metainfo=dict(img_shape=shape, ori_shape=shape))
    found, expected = model.find(image, [sample])[0], plain_crmh(network, released, image, shape)
    assert len(found) == len(expected['scores']) >= 3
    assert expected['scores'].max() - expected['scores'].min() > 0.01  # the image matters
    for name, values in expected.items():
        torch.testing.assert_close(found[name], values, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_the_converted_discriminator_judges_as_the_released_one(model, judge):
    rotations, betas = torch.randn(4, 23, 3, 3), torch.randn(4, 10)
    scores = model.discriminator(rotations, betas)
    torch.testing.assert_close(scores, plain_judge(judge, rotations, betas), rtol=0, atol=1e-5)


def test_sizes_are_those_of_the_paper(model):
    count = lambda part: sum(parameter.numel() for parameter in part.parameters())
    assert (count(model.roi_head.smpl_head), count(model.discriminator)) == (3_996_829, 1_807_509)


def test_what_is_changed_is_told(converted, released):
    entries = converted.ledger.entries
    changed = {entry.source for entry in entries if entry.fate is Fate.FOLDED}
    assert changed == {f'bbox_head.{name}.{part}' for name in ('fc_cls', 'fc_reg') for part in ('weight', 'bias')}
    dropped = {entry.source for entry in entries if entry.fate is Fate.DROPPED}
    assert dropped == {'smpl_head.smpl.v_template', 'smpl_head.loss.sdf_loss.faces'}
    start = converted.ledger.result['roi_head.smpl_head.init_contrep']
    assert torch.equal(start, released['smpl_head.init_contrep']) and 'init_contrep' in converted.remarks[0]
    assert converted.meta['config'].endswith(f'{CONFIG}.py')


def test_without_the_discriminators_file(released, judge, tmp_path):
    kind = recognise(released)
    alone = kind.convert(SourceFile(tmp_path / 'latest.pth', dict(released), {}, [], ''))
    assert not any(name.startswith('discriminator.') for name in alone.ledger.result)
    assert 'no adv_latest.pth' in alone.remarks[-1]
    torch.save(judge, tmp_path / 'adv.pth')  # and that one alone
    source = read_source(tmp_path / 'adv.pth')
    only = recognise(source.weights).convert(source)
    assert len(only.ledger.result) == len(judge) and all(
        name.startswith('discriminator.') for name in only.ledger.result
    )


def test_a_damaged_file_is_refused(released, tmp_path):
    kind = recognise(released)
    for damage, words in (
        ({'smpl_head.dec.bias': None}, '1 missing: roi_head.smpl_head.dec.bias'),
        ({'mask_head.conv.weight': torch.zeros(2)}, '1 that it does not have: mask_head.conv.weight'),
    ):
        weights = {name: value for name, value in {**released, **damage}.items() if value is not None}
        with pytest.raises(UserError, match=words):
            kind.convert(SourceFile(tmp_path / 'latest.pth', weights, {}, [], ''))
