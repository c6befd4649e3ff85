"""Another process of a run ends: a data worker or a rank is named, with what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from das_mm.cli import main
from das_mm.tools.support.process_failures import RankProcesses, process_failure
from tests.toy_run import KILL_IN_WORKER, write_config

GLOO = '[/x/gloo/transport/tcp/pair.cc:538] Read error [127.0.0.1]:12166: Connection reset by peer'


def test_a_killed_data_worker(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv(KILL_IN_WORKER, '1')
    assert main(['train', str(write_config(tmp_path, num_workers=1)), '--no-validate']) == 2
    message = capfd.readouterr().err
    assert 'a worker of a data loader (process ' in message and 'was killed' in message
    assert 'train_dataloader.num_workers=1' in message and '--resume' in message
    assert 'Traceback' not in message


@pytest.fixture
def ended_process():
    process = subprocess.Popen([sys.executable, '-c', ''])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie, as torchrun leaves them for a while
    yield process.pid
    process.wait()


def test_a_rank_that_is_gone_is_named(ended_process):
    here = socket.gethostname()
    ranks = RankProcesses([(here, os.getpid()), (here, ended_process), ('elsewhere', ended_process)])
    assert ranks.gone() == [1]
    failure = process_failure(RuntimeError(GLOO), ranks)
    assert failure.problem.startswith(f'rank 1 (process id {ended_process}) has left this run')
    assert '--resume' in failure.remedy and 'torchrun' in failure.remedy
    of_another_machine = RankProcesses([(here, os.getpid()), ('elsewhere', 7)])
    assert process_failure(RuntimeError(GLOO), of_another_machine).problem.startswith(
        'another rank, of another machine'
    )


def test_other_errors_stay_what_they_are():
    ranks = RankProcesses([(socket.gethostname(), os.getpid()), ('elsewhere', 7)])
    assert process_failure(RuntimeError('mat1 and mat2 shapes cannot be multiplied'), ranks) is None
    assert process_failure(RuntimeError(GLOO), RankProcesses()) is None  # no ranks, so nobody to miss
