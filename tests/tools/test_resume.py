"""`kill -9`, then `--resume`: the same weights as a run that was left alone.

Bit by bit: both runs do the same sums in the same order, on one processor and with one thread (``tests/conftest.py``).
"""

from __future__ import annotations

import signal

import pytest
import torch

from das_mm.cli import main
from tests.toy_run import KILL_AT_ITER, KILL_IN_WRITE, run_module, write_config


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory):
    """Final checkpoint of a run of three epochs of six steps."""
    folder = tmp_path_factory.mktemp('whole')
    assert main(['train', str(write_config(folder))]) == 0
    return torch.load(folder / 'work' / 'epoch_3.pth', weights_only=True)


def assert_same_run(path, expected):
    found = torch.load(path, weights_only=True)
    for name, value in expected['state_dict'].items():
        assert torch.equal(found['state_dict'][name], value), name
    momenta = [[state['momentum_buffer'] for state in run['optimizer']['state'].values()] for run in (found, expected)]
    assert all(torch.equal(*pair) for pair in zip(*momenta, strict=True))
    assert found['optimizer']['param_groups'] == expected['optimizer']['param_groups']


def test_killed_in_mid_epoch(tmp_path, uninterrupted):
    config = write_config(tmp_path)
    killed = run_module('das_mm.tools.train', config, **{KILL_AT_ITER: '9'})
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [path.name for path in (tmp_path / 'work').glob('*.pth')] == ['epoch_1.pth']
    assert main(['train', str(config), '--resume']) == 0
    assert_same_run(tmp_path / 'work' / 'epoch_3.pth', uninterrupted)


def test_killed_while_writing_a_checkpoint(tmp_path, uninterrupted, capfd):
    config, work = write_config(tmp_path), tmp_path / 'work'
    killed = run_module('das_mm.tools.train', config, **{KILL_IN_WRITE: '2'})
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (work / 'epoch_2.pth').exists() and (work / '.epoch_2.pth.part').stat().st_size > 0
    # and one that something else cut short, with mmengine's own pointer on it
    (work / 'epoch_2.pth').write_bytes((work / 'epoch_1.pth').read_bytes()[:-500])
    (work / 'last_checkpoint').write_text(str(work / 'epoch_2.pth'))
    assert main(['train', str(config), '--resume']) == 0
    assert 'epoch_2.pth: the file is cut short' in ''.join(capfd.readouterr())
    assert_same_run(work / 'epoch_3.pth', uninterrupted)
    assert not (work / '.epoch_2.pth.part').exists()


def test_the_noise_is_real(tmp_path, uninterrupted):
    """Another seed gives other weights: the tests above compare something."""
    assert main(['train', str(write_config(tmp_path)), '--seed', '1']) == 0
    other = torch.load(tmp_path / 'work' / 'epoch_3.pth', weights_only=True)['state_dict']
    assert not any(torch.equal(other[name], value) for name, value in uninterrupted['state_dict'].items())
