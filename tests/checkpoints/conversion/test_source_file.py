"""Files of other programs give their weights and run nothing."""

from __future__ import annotations

import os
import shutil
import types

import numpy as np
import pytest
import torch

from das_mm.checkpoints.conversion.source_file import read_source
from das_mm.errors import UserError

WEIGHTS = {'layer.weight': torch.arange(6.0).reshape(2, 3), 'layer.bias': torch.zeros(2)}


class ConfigDict(dict):
    """Stands for mmcv's, which is pickled with items and with a state."""

    def __init__(self, **items):
        super().__init__(items)
        self.frozen = True


class RunsCode:
    """Calls a function when it is unpickled as pickle does."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.fixture
def mmcv_config(monkeypatch):
    """A class that only the program that wrote the file has."""
    module = types.ModuleType('mmcv_of_old')
    module.ConfigDict = ConfigDict
    monkeypatch.setattr(ConfigDict, '__module__', 'mmcv_of_old')
    monkeypatch.setitem(__import__('sys').modules, 'mmcv_of_old', module)
    return ConfigDict


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'torch before 1.6'])
def test_what_lies_beside_the_weights_is_passed_over(tmp_path, mmcv_config, zipped):
    meta = dict(epoch=22, score=np.float32(57.4), cfg=mmcv_config(lr=0.1, nested=mmcv_config(a=[1, 2])))
    torch.save(
        dict(
            meta=meta,
            state_dict={f'module.{name}': value for name, value in WEIGHTS.items()},
            optimizer=dict(scale=np.float64(512), curve=np.arange(3)),
        ),
        tmp_path / 'a.pth',
        _use_new_zipfile_serialization=zipped,
    )
    source = read_source(tmp_path / 'a.pth')
    assert source.weights.keys() == WEIGHTS.keys() and source.meta['epoch'] == 22
    assert all(torch.equal(source.weights[name], value) for name, value in WEIGHTS.items())
    assert source.not_built == ['mmcv_of_old.ConfigDict']
    assert 'mmcv_of_old' not in str(torch.serialization.get_safe_globals()), 'stand-ins are for one file only'


@pytest.mark.parametrize('where', ['meta', 'state_dict'])
def test_code_is_never_run(tmp_path, where):
    victim = tmp_path / 'victim'
    victim.mkdir()
    checkpoint = dict(meta=dict(epoch=1), state_dict=dict(WEIGHTS))
    checkpoint[where]['x'] = RunsCode(shutil.rmtree, str(victim))
    torch.save(checkpoint, tmp_path / 'evil.pth')
    if where == 'meta':  # not wanted: passed over, and said
        assert read_source(tmp_path / 'evil.pth').not_built == ['shutil.rmtree']
    else:
        with pytest.raises(UserError, match='x: expected a tensor, found OrderedDict; the file asks for shutil.rmtree'):
            read_source(tmp_path / 'evil.pth')
    assert victim.exists()


def test_files_that_reach_for_the_system_are_refused_whole(tmp_path):
    torch.save(dict(meta=RunsCode(os.makedirs, str(tmp_path / 'made')), state_dict=WEIGHTS), tmp_path / 'evil.pth')
    with pytest.raises(UserError, match='would run code: it asks for os.makedirs'):
        read_source(tmp_path / 'evil.pth')
    assert not (tmp_path / 'made').exists()


def test_eval_is_refused_like_any_other(tmp_path):
    torch.save(dict(state_dict=dict(WEIGHTS, x=RunsCode(eval, '1/0'))), tmp_path / 'evil.pth')
    with pytest.raises(UserError, match='asks for builtins.eval'):
        read_source(tmp_path / 'evil.pth')


@pytest.mark.parametrize(
    'content, problem',
    [
        (dict(meta={}, state_dict={}), 'there are no weights'),
        (dict(epoch=3, lr=0.1), 'epoch: expected a tensor, found int'),
        ([torch.zeros(1)], 'it holds a list, not a dictionary'),
    ],
)
def test_a_file_without_weights(tmp_path, content, problem):
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(UserError, match=problem) as caught:
        read_source(tmp_path / 'a.pth')
    assert caught.value.file == tmp_path / 'a.pth' and caught.value.remedy


@pytest.mark.parametrize('cut, problem', [(0, 'empty'), (0.5, 'cut short')])
def test_a_truncated_file(tmp_path, cut, problem):
    torch.save(dict(state_dict=WEIGHTS), tmp_path / 'a.pth')
    data = (tmp_path / 'a.pth').read_bytes()
    (tmp_path / 'a.pth').write_bytes(data[: int(cut * len(data))])
    with pytest.raises(UserError, match=problem):
        read_source(tmp_path / 'a.pth')
