"""Calls in a process of their own: results, errors, crashes, and calls that never end."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest

from das_mm.engine import isolated_calls
from das_mm.engine.isolated_calls import isolated_call
from das_mm.errors import UserError


def call(function, *args):
    return isolated_call(function, *args, file='a.mat', remedy='copy it')


def test_results_and_errors_come_back():
    there = call(os.getpid)
    assert there != os.getpid() and call(os.getpid) == there  # one child for all
    assert call(np.arange, 3).tolist() == [0, 1, 2]
    with pytest.raises(FileNotFoundError):
        call(os.listdir, '/nowhere at all')


def test_a_crash_is_told_and_the_next_call_served(monkeypatch):
    there = call(os.getpid)
    with pytest.raises(
        UserError, match=r'a.mat: it is damaged: what reads it was ended \(exit status -\d+\)'
    ) as caught:
        call(os.kill, there, signal.SIGKILL)
    assert caught.value.remedy == 'copy it' and call(os.getpid) not in (there, os.getpid())
    monkeypatch.setattr(isolated_calls, 'LIMIT_S', 0.5)
    with pytest.raises(UserError, match='did not end within 0.5 s'):
        call(time.sleep, 60)
    monkeypatch.undo()
    assert call(abs, -3) == 3
