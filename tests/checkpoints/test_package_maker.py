"""Weights as they come with the package: alone, whole, and in half the size where asked for."""

from __future__ import annotations

import json

import pytest
import torch
from mmengine.model import initialize
from mmengine.runner import CheckpointLoader

from das_mm.checkpoints import packaged
from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.package_maker import package_weights
from das_mm.errors import UserError

CONFIG = packaged.TINY['pose']


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """What a training would write: the weights of the package, an optimizer, and a part that the config lacks."""
    model = load_model(packaged.tiny_checkpoint('pose'), CONFIG, 'cpu')
    generator = torch.Generator().manual_seed(0)
    # numbers that neither float16 nor eight bits have: packaged weights were rounded
    weights = {
        name: value * (1 + 1e-4 * torch.rand(value.shape, generator=generator)) if value.ndim > 1 else value
        for name, value in model.state_dict().items()
    }
    weights['auxiliary_head.branch.out.bias'] = torch.ones(15)
    content = dict(meta={}, state_dict=weights, optimizer=dict(state={}))
    path = tmp_path_factory.mktemp('trained') / 'epoch_1.pth'
    torch.save(content, path)
    return path, content['state_dict']


def test_half_the_size_and_the_same_model(trained, tmp_path):
    path, weights = trained
    sizes = {}
    for storage, rtol in (('float32', 0), ('float16', 1e-3), ('int8', 0.5 / 127)):
        (tmp_path / storage).mkdir()
        file = package_weights(path, CONFIG, tmp_path / storage, dict(learnt_from='toys'), storage)
        sizes[storage] = file.stat().st_size
        card = json.loads(file.with_suffix('.json').read_text())
        assert card['learnt_from'] == 'toys' and card['config'] == CONFIG
        state = load_model(file, device='cpu').state_dict()
        assert not any(name.startswith('auxiliary_head') for name in state)
        for name, value in state.items():
            assert value.dtype == weights[name].dtype
            exact = value.ndim < 2 or storage == 'float32'
            largest = 1.0 if exact else weights[name].abs().flatten(1).amax(1).view(-1, *[1] * (value.ndim - 1))
            error = (value - weights[name]).abs() / largest  # eight bits count from the largest of a channel
            assert (error <= (0 if exact else 1.01 * rtol + 1e-7)).all(), name
    assert sizes['float16'] < 0.55 * sizes['float32'] and sizes['int8'] < 0.32 * sizes['float32']


def test_eight_bits_are_stored_the_same_again(trained, tmp_path):
    (tmp_path / 'again').mkdir()
    first = package_weights(trained[0], CONFIG, tmp_path, {}, 'int8')
    state = load_model(first, device='cpu').state_dict()
    torch.save(dict(state_dict=state), tmp_path / 'restored.pth')
    second = package_weights(tmp_path / 'restored.pth', CONFIG, tmp_path / 'again', {}, 'int8')
    again = load_model(second, device='cpu').state_dict()
    assert all(torch.equal(value, again[name]) for name, value in state.items())


@pytest.mark.parametrize('damage', [lambda scales: scales.update(absent=torch.ones(1)), lambda scales: scales.clear()])
def test_scales_that_do_not_fit(trained, tmp_path, damage):
    file = package_weights(trained[0], CONFIG, tmp_path, {}, 'int8')
    content = torch.load(file, weights_only=True)
    damage(content['eight_bit_scales'])
    torch.save(content, file)
    with pytest.raises(UserError) as caught:
        load_model(file, device='cpu')
    assert caught.value.remedy


def test_weights_of_another_config_are_refused(trained, tmp_path):
    with pytest.raises(UserError, match='are not in it or have another shape'):
        package_weights(trained[0], packaged.TINY['mesh'], tmp_path, {})


def test_cards_tell_what_was_learnt_from(monkeypatch, trained):
    for task in packaged.PACKAGED:
        assert 'suits' in packaged.learnt_from(task) or 'photographs' in packaged.learnt_from(task)
    monkeypatch.setattr(packaged, 'pretrained_checkpoint', lambda task: trained[0])  # without a card
    assert packaged.learnt_from('pose') == 'data that their card does not tell of'


def test_mmengine_reads_eight_bits_as_numbers(trained, tmp_path):
    """`load_from`, `Pretrained` and the verbs that read with mmengine's own loader."""
    file = package_weights(trained[0], CONFIG, tmp_path, {}, 'int8')
    wanted = load_model(file, device='cpu').state_dict()
    from_mmengine = CheckpointLoader.load_checkpoint(str(file), map_location='cpu')['state_dict']
    assert from_mmengine.keys() == wanted.keys()
    assert all(torch.equal(value.float(), wanted[name].float()) for name, value in from_mmengine.items())
    backbone = torch.nn.Module()
    backbone.neck = load_model(file, device='cpu').neck
    for parameter in backbone.parameters():
        torch.nn.init.zeros_(parameter)
    initialize(backbone.neck, dict(type='Pretrained', checkpoint=str(file), prefix='neck.'))
    for name, value in backbone.state_dict().items():
        torch.testing.assert_close(value, wanted[name], rtol=0, atol=0)
