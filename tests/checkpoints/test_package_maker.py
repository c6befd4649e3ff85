"""Weights as they come with the package: alone, whole, and in half the size where asked for."""

from __future__ import annotations

import json

import pytest
import torch

from das_mm.checkpoints import packaged
from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.package_maker import package_weights
from das_mm.errors import UserError

CONFIG = packaged.PACKAGED['pose']


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """What a training would write: the weights of the package, an optimizer, and a part that the config lacks."""
    content = torch.load(packaged.pretrained_checkpoint('pose'), map_location='cpu', weights_only=False)
    content['state_dict']['auxiliary_head.branch.out.bias'] = torch.ones(15)
    content['optimizer'] = dict(state={})
    path = tmp_path_factory.mktemp('trained') / 'epoch_1.pth'
    torch.save(content, path)
    return path, content['state_dict']


def test_half_the_size_and_the_same_model(trained, tmp_path):
    path, weights = trained
    sizes = {}
    for half in (False, True):
        (tmp_path / str(half)).mkdir()
        file = package_weights(path, CONFIG, tmp_path / str(half), dict(learnt_from='toys'), half)
        sizes[half] = file.stat().st_size
        card = json.loads(file.with_suffix('.json').read_text())
        assert card['learnt_from'] == 'toys' and card['config'] == CONFIG
        state = load_model(file, device='cpu').state_dict()
        assert not any(name.startswith('auxiliary_head') for name in state)
        for name, value in state.items():
            assert value.dtype == weights[name].dtype
            exact = value.ndim < 2 or not half
            torch.testing.assert_close(value, weights[name], rtol=0 if exact else 1e-3, atol=0 if exact else 1e-7)
    assert sizes[True] < 0.55 * sizes[False]


def test_weights_of_another_config_are_refused(trained, tmp_path):
    with pytest.raises(UserError, match='are not in it or have another shape'):
        package_weights(trained[0], packaged.PACKAGED['mesh'], tmp_path, {})


def test_cards_tell_what_was_learnt_from(monkeypatch, trained):
    for task in packaged.PACKAGED:
        assert 'suits' in packaged.learnt_from(task) or 'photographs' in packaged.learnt_from(task)
    monkeypatch.setattr(packaged, 'pretrained_checkpoint', lambda task: trained[0])  # without a card
    assert packaged.learnt_from('pose') == 'data that their card does not tell of'
