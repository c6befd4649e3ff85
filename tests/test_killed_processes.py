"""A data worker or a rank that was killed is named, with what to do."""

from __future__ import annotations

import os
import signal

import pytest
from torch.utils.data import DataLoader, Dataset

from das_mm.command import run_verb
from das_mm.killed_processes import words_of_killed


class Killed(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_of_a_data_loader(capsys):
    def action():
        next(iter(DataLoader(Killed(), num_workers=1)))

    assert run_verb('train', action) == 2
    told = capsys.readouterr().err
    assert 'a worker of a data loader (process ' in told and 'was killed' in told
    assert 'remedy: give the data loaders fewer workers' in told and 'Traceback' not in told


@pytest.mark.parametrize(
    'text, words',
    [
        ('DataLoader worker (pid 7) is killed by signal: Bus error. It…', '(process 7) was killed by the signal Bus'),
        ('DataLoader worker (pid(s) 7, 8) exited unexpectedly', '(process 7, 8) was killed, perhaps'),
        ('[/pytorch/gloo/pair.cc:534] Connection closed by peer [127.0.0.1]:1', 'rank 1 of 2 lost the connection'),
        ('mat1 and mat2 shapes cannot be multiplied', None),
    ],
)
def test_words(monkeypatch, text, words):
    monkeypatch.setenv('RANK', '1')
    monkeypatch.setenv('WORLD_SIZE', '2')
    told = words_of_killed(RuntimeError(text))
    assert told is None if words is None else words in told and 'remedy' in told


def test_other_errors_keep_their_trace():
    def action():
        raise RuntimeError('something else')

    with pytest.raises(RuntimeError, match='something else'):
        run_verb('train', action)
