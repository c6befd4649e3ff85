"""Checkpoint files: written whole or not at all, read without running code, and the newest whole one found."""

from __future__ import annotations

import errno
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub

from das_mm.engine import atomic_write
from das_mm.engine.checkpoint_files import check_training_state, newest_complete_checkpoint, read_checkpoint
from das_mm.errors import UserError


def save(path, iteration=1, **more):
    torch.save(dict(meta=dict(iter=iteration), state_dict=dict(weight=torch.ones(1000)), optimizer={}, **more), path)
    return path


class RunsCode:
    def __reduce__(self):
        return os.system, ('echo pwned',)


class OpensAttributes:
    """`getattr` is allowed for the four statistics of a history and nothing else."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


def test_what_mmengine_writes_can_be_read(tmp_path):
    hub = MessageHub.get_instance('test_what_mmengine_writes_can_be_read')
    for value in (1.0, 3.0):
        hub.update_scalar('train/loss', value)
    hub.update_info('best_score', np.float64(0.5))
    meta = dict(iter=2, dataset_meta=dict(sigmas=np.ones(3, np.float32), names=('a', 'b'), ids={1, 2}))
    torch.save(dict(meta=meta, message_hub=hub.state_dict()), tmp_path / 'a.pth')
    loaded = torch.load(tmp_path / 'a.pth')  # as mmengine's Runner.resume does
    assert loaded['message_hub']['log_scalars']['train/loss'].mean() == 2.0
    assert loaded['message_hub']['runtime_info']['best_score'] == 0.5
    np.testing.assert_array_equal(loaded['meta']['dataset_meta']['sigmas'], np.ones(3))


@pytest.mark.parametrize('evil', [RunsCode(), OpensAttributes()])
def test_code_is_refused(tmp_path, evil, capfd):
    torch.save(dict(state_dict=evil), tmp_path / 'evil.pth')
    with pytest.raises(UserError, match=r'evil\.pth: loading it would run code: it asks for (posix\.system|builtins)'):
        read_checkpoint(tmp_path / 'evil.pth')
    assert 'pwned' not in ''.join(capfd.readouterr())


@pytest.mark.parametrize(
    'content, problem',
    [
        (None, 'no such checkpoint'),
        (lambda whole: b'', r'empty \(0 bytes\)'),
        (lambda whole: whole[: len(whole) // 2], 'cut short'),
        (lambda whole: whole[:1500] + bytes(200) + whole[1700:], 'damaged'),
        (lambda whole: b'<html>404</html>', 'not a checkpoint'),
        (lambda whole: pickle.dumps([1, 2]), 'not a checkpoint|list'),
    ],
)
def test_broken_files_are_named(tmp_path, content, problem):
    whole = save(tmp_path / 'whole.pth').read_bytes()
    path = tmp_path / 'broken.pth'
    if content is not None:
        path.write_bytes(content(whole))
    with pytest.raises(UserError, match=problem) as caught:
        read_checkpoint(path)
    assert caught.value.file == path and caught.value.remedy


def test_the_newest_whole_one_is_found(tmp_path, capfd):
    for epoch in (2, 9, 10, 11):
        save(tmp_path / f'epoch_{epoch}.pth', iteration=epoch)
    whole = (tmp_path / 'epoch_11.pth').read_bytes()
    (tmp_path / 'epoch_11.pth').write_bytes(whole[:-100])
    torch.save(dict(meta=dict(iter=12), state_dict={}), tmp_path / 'epoch_12.pth')  # weights only
    save(tmp_path / 'best_mpjpe_epoch_13.pth')
    (tmp_path / '.epoch_14.pth.part').write_bytes(whole)
    assert newest_complete_checkpoint(tmp_path) == tmp_path / 'epoch_10.pth'
    said = ''.join(capfd.readouterr())
    assert 'epoch_11.pth' in said and 'epoch_12.pth' in said
    save(tmp_path / 'iter_11.pth', iteration=11)
    assert newest_complete_checkpoint(tmp_path) == tmp_path / 'iter_11.pth'
    assert newest_complete_checkpoint(tmp_path, 'best_mpjpe_epoch_{}.pth').name == 'best_mpjpe_epoch_13.pth'
    assert newest_complete_checkpoint(tmp_path / 'nowhere') is None


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    atomic_write(path, b'old')

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(UserError, match=r'a\.pth.*No space left on device') as caught:
        atomic_write(path, b'new')
    assert 'free space' in caught.value.remedy
    assert [entry.name for entry in tmp_path.iterdir()] == ['a.pth'] and path.read_bytes() == b'old'


class _Calls:
    """A pickle that calls something torch lets it call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def _expanded():
    return torch.zeros(1).expand(1_000_000, 100_000)


@pytest.mark.parametrize(
    'weight, said',
    [
        (lambda: _Calls(bytearray, 4_000_000_000), 'bytearray'),
        (lambda: _Calls(np.ndarray, (2**31,)), 'calls numpy.ndarray'),
        (_expanded, 'more than the .* bytes of the file'),
        (lambda: [dict(inner=_expanded())], 'more than the .* bytes of the file'),
        (lambda: torch.empty(10**6, 10**6, device='meta'), 'more than the .* bytes of the file'),
    ],
)
def test_what_would_fill_the_memory_is_refused(tmp_path, weight, said):
    torch.save(dict(state_dict=dict(weight=weight())), tmp_path / 'large.pth')
    with pytest.raises(UserError, match=said) as caught:
        read_checkpoint(tmp_path / 'large.pth')
    assert caught.value.file == tmp_path / 'large.pth' and caught.value.remedy


def test_a_packed_archive_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / 'bomb.pth', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('archive/data.pkl', bytes(100_000_000))
    with pytest.raises(UserError, match='the file is damaged'):
        read_checkpoint(tmp_path / 'bomb.pth')


def test_arrays_in_checkpoints_are_ordinary_ones(tmp_path):
    """Also where they are written again: another program must read them."""
    torch.save(dict(meta=dict(sigmas=np.ones(3), best=np.float64(2))), tmp_path / 'a.pth')
    meta = read_checkpoint(tmp_path / 'a.pth')['meta']
    assert type(meta['best']) is np.float64 and meta['best'] == 2
    assert pickle.loads(pickle.dumps(meta['sigmas'])).__class__ is np.ndarray
    assert pickle.dumps(meta['sigmas'], 2) == pickle.dumps(np.ones(3), 2)


@pytest.mark.parametrize(
    'changes, field',
    [
        (dict(meta=None), 'meta'),
        (dict(meta=[1]), 'meta'),
        (dict(meta={}), 'meta.iter'),
        (dict(meta=dict(iter='9')), 'meta.iter'),
        (dict(meta=dict(iter=-1)), 'meta.iter'),
        (dict(meta=dict(iter=1, epoch=1.5)), 'meta.epoch'),
        (dict(meta=dict(iter=1, seed='x')), 'meta.seed'),
        (dict(optimizer=None), 'optimizer'),
        (dict(message_hub=[]), 'message_hub'),
        (dict(param_schedulers='x'), 'param_schedulers'),
    ],
)
def test_training_states_of_foreign_types(tmp_path, changes, field, capfd):
    content = dict(meta=dict(iter=1, epoch=1, seed=0), optimizer={}, message_hub={}, param_schedulers=[])
    assert check_training_state(content, 'x.pth')['iter'] == 1
    with pytest.raises(UserError, match='not the state of a training run') as caught:
        check_training_state({**content, **changes}, 'x.pth')
    assert caught.value.field == field and caught.value.file == 'x.pth' and caught.value.remedy
    torch.save({**content, **changes}, tmp_path / 'epoch_1.pth')
    assert newest_complete_checkpoint(tmp_path) is None and field in ''.join(capfd.readouterr())
