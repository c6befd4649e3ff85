"""Checkpoints of a branch alone: everything that reads one gets the network that it was trained on as well."""

from __future__ import annotations

import pytest
import torch
from mmengine.runner import CheckpointLoader

from das_mm.checkpoints import packaged
from das_mm.checkpoints.package_maker import package_weights
from das_mm.engine.checkpoint_files import read_checkpoint
from das_mm.errors import UserError

BASE = packaged.TINY['pose']


@pytest.fixture
def branch(tmp_path):
    """The tiny weights with one weight of their own, in eight bits, and the whole that they stand for."""
    whole = read_checkpoint(packaged.tiny_checkpoint('pose'))['state_dict']
    name = next(name for name, value in whole.items() if value.ndim == 4 and value.numel() > 2000)
    weights = {**whole, name: torch.round(whole[name] / whole[name].abs().max() * 127)}
    torch.save(dict(state_dict=weights), tmp_path / 'trained.pth')
    file = package_weights(tmp_path / 'trained.pth', BASE, tmp_path, {}, 'int8', rest_from=BASE)
    return file, name, weights


def test_holds_what_is_new_and_is_read_whole(branch):
    file, name, weights = branch
    assert set(torch.load(file, weights_only=True)['state_dict']) == {name}
    for read in (read_checkpoint, CheckpointLoader.load_checkpoint):
        content = read(str(file))
        assert 'rest_from' not in content and content['meta']['config'] == BASE
        assert content['state_dict'].keys() == weights.keys()
        own, rest = (one for one in (content['state_dict'], weights))
        torch.testing.assert_close(own[name], rest[name], atol=0.5, rtol=0.01)
        assert all(torch.equal(value, rest[key]) for key, value in own.items() if key != name)


@pytest.mark.parametrize('name', ['nobody', '../tiny', 3, None, ['a']])
def test_weights_that_the_package_has_not(branch, name):
    content = torch.load(branch[0], weights_only=True)
    torch.save({**content, 'rest_from': name}, branch[0])
    with pytest.raises(UserError, match='no such weights') as caught:
        read_checkpoint(branch[0])
    assert BASE in caught.value.remedy and caught.value.field == 'rest_from'


def test_names_of_others_are_refused_before_packaging(branch, tmp_path):
    with pytest.raises(UserError, match='no such weights'):
        package_weights(tmp_path / 'trained.pth', BASE, tmp_path, {}, rest_from='nobody')
