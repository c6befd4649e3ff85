"""Weights go into a model whole, or the error names file, keys and remedy."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from das_mm.checkpoints.weight_loader import load_checkpoint_strict
from das_mm.errors import UserError


def model():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


@pytest.mark.parametrize(
    'wrap',
    [
        lambda weights: weights,
        lambda weights: dict(state_dict=weights, meta=dict(epoch=3)),
        lambda weights: dict(state_dict={f'module.{key}': value for key, value in weights.items()}, meta=dict(epoch=3)),
    ],
)
def test_all_weights_are_loaded(tmp_path, wrap):
    trained, fresh = model(), model()
    torch.save(wrap(trained.state_dict()), tmp_path / 'a.pth')
    meta = load_checkpoint_strict(fresh, tmp_path / 'a.pth')
    assert meta in ({}, dict(epoch=3))
    assert all(torch.equal(*pair) for pair in zip(trained.state_dict().values(), fresh.state_dict().values()))


@pytest.mark.parametrize(
    'change, problem',
    [
        (lambda weights: weights.pop('2.bias'), '1 missing: 2.bias'),
        (lambda weights: weights.update(extra=torch.ones(1)), '1 left over: extra'),
        (
            lambda weights: weights.update({'2.bias': torch.ones(7)}),
            r'1 of another shape: 2.bias \(7 in the file, 2 in the model\)',
        ),
        (
            lambda weights: [weights.pop(key) for key in list(weights)[1:]],
            '8 missing: 0.bias, 1.bias, 1.num_batches_tracked, 1.running_mean, 1.running_var, and 3 more',
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, problem):
    weights = model().state_dict()
    change(weights)
    torch.save(dict(state_dict=weights, meta=dict(experiment_name='other_run')), tmp_path / 'other.pth')
    with pytest.raises(UserError, match=rf'other\.pth: state_dict: .* do not fit this model; {problem}') as caught:
        load_checkpoint_strict(model(), tmp_path / 'other.pth')
    assert "the config that goes with it; this one comes from the run 'other_run'" in caught.value.remedy


def test_a_file_without_weights(tmp_path):
    torch.save(dict(meta={}, state_dict={}), tmp_path / 'empty.pth')
    with pytest.raises(UserError, match='no weights in it, only: meta, state_dict'):
        load_checkpoint_strict(model(), tmp_path / 'empty.pth')
