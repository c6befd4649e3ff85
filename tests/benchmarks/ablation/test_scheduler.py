"""Runs with a training that takes no time: order, pieces, kills, and several processes at once."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from das_mm.benchmarks.ablation import Deadline, Outcome, Run, RunState, read_state, train_runs, try_lock, write_state
from das_mm.errors import UserError

RUNS = [Run('cpu', name, seed) for seed in (0, 1) for name in ('a', 'b', 'c')]
EPOCHS = 3


class Clock:
    """Time that passes as it is told."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class FakeTraining:
    """Epochs of ten seconds; keeps what it did."""

    def __init__(self, clock: Clock):
        self.clock, self.done = clock, []

    def __call__(self, run: Run, folder: Path, deadline: Deadline) -> bool:
        state = read_state(folder) or RunState('same', {}, 'package')
        while state.epochs_done < EPOCHS:
            self.clock.now += 10
            self.done.append((run.training, run.seed, state.epochs_done))
            state = state.but(epochs_done=state.epochs_done + 1)
            write_state(folder, state)
            if deadline.left < 10:
                return False
        write_state(folder, state.but(outcome=Outcome()))
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def train(clock) -> FakeTraining:
    return FakeTraining(clock)


EVERYTHING = [(run.training, run.seed, epoch) for run in RUNS for epoch in range(EPOCHS)]


def test_in_one_go(tmp_path, train, clock):
    assert train_runs(RUNS, tmp_path, train, Deadline(clock=clock))
    assert train.done == EVERYTHING
    assert train_runs(RUNS, tmp_path, train, Deadline(clock=clock)) and train.done == EVERYTHING


@pytest.mark.parametrize('seconds', [0, 25, 70])
def test_in_pieces(tmp_path, train, clock, seconds):
    """Every call comes further, however short; nothing is done twice or left out."""
    calls = 0
    while not train_runs(RUNS, tmp_path, train, Deadline(seconds, clock)):
        calls += 1
        assert calls < 50
    assert train.done == EVERYTHING
    assert calls >= 10 * len(EVERYTHING) / max(seconds, 10) / 2


def test_what_is_told(tmp_path, train, clock):
    told = []
    train_runs(RUNS[:2], tmp_path, train, Deadline(clock=clock))
    train_runs(RUNS[:3], tmp_path, train, Deadline(15, clock), lambda run, event: told.append((run.training, event)))
    assert told == [('a', 'done already'), ('b', 'done already'), ('c', 'begin'), ('c', 'paused')]


def test_a_run_of_another_process_is_passed_over(tmp_path, train, clock):
    told = []
    with try_lock(RUNS[0].folder(tmp_path)) as mine:
        assert mine
        assert not train_runs(RUNS[:2], tmp_path, train, Deadline(clock=clock), lambda run, event: told.append(event))
    assert told == ['busy', 'begin', 'finished'] and {name for name, *_ in train.done} == {'b'}
    assert train_runs(RUNS[:2], tmp_path, train, Deadline(clock=clock))


def test_a_lock_ends_with_its_process(tmp_path):
    reader, writer = os.pipe()
    holder = os.fork()
    if not holder:
        with try_lock(tmp_path) as mine:
            os.write(writer, b'1' if mine else b'0')
            time.sleep(60)
        os._exit(0)
    try:
        assert os.read(reader, 1) == b'1'
        with try_lock(tmp_path) as mine:
            assert not mine
    finally:
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
    with try_lock(tmp_path) as mine:
        assert mine


def test_an_error_frees_the_run(tmp_path):
    def fail(run, folder, deadline):
        raise UserError('the disk is full')

    with pytest.raises(UserError, match='full'):
        train_runs(RUNS, tmp_path, fail, Deadline())
    with try_lock(RUNS[0].folder(tmp_path)) as mine:
        assert mine


def test_states_are_whole_or_not_there(tmp_path):
    state = RunState('print', dict(epochs=4), 'package', outcome=Outcome({'pose3d/mpjpe_mm': None, 'x': 1.5}))
    assert read_state(tmp_path) is None
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    stored = json.loads((tmp_path / 'state.json').read_text())
    assert stored['status'] == 'finished' and stored['metrics'] == state.outcome.metrics  # flat, as ever
    write_state(tmp_path, state.but(outcome=None))
    assert read_state(tmp_path) == state.but(outcome=None) and not read_state(tmp_path).finished
    (tmp_path / 'state.json').write_text('{"finger')
    with pytest.raises(UserError, match='state.json'):
        read_state(tmp_path)
    (tmp_path / 'state.json').write_text('{"another": 1}')
    with pytest.raises(UserError, match='state.json'):
        read_state(tmp_path)
    with pytest.raises(UserError, match='cannot be written'), try_lock(tmp_path / 'state.json' / 'folder'):
        pass


def test_the_file_of_a_state(tmp_path):
    """As runs that were begun earlier have it."""
    stored = dict(
        fingerprint='print',
        settings=dict(epochs=4),
        start='package',
        status='finished',
        epochs_done=4,
        seconds=12.5,
        seconds_evaluating=2.0,
        machine=dict(cpu='a cpu'),
        finished_at='2026-01-02T03:04:05+00:00',
        metrics={'pose3d/recall': 95.0},
        calibration=None,
    )
    (tmp_path / 'state.json').write_text(json.dumps(stored))
    state = read_state(tmp_path)
    assert state.finished and state.epochs_done == 4 and state.seconds == 12.5
    assert state.outcome.metrics == {'pose3d/recall': 95.0} and state.outcome.seconds_evaluating == 2.0
    write_state(tmp_path, state)
    assert json.loads((tmp_path / 'state.json').read_text()) == stored


def test_deadlines():
    assert Deadline().left == float('inf')
    clock = Clock()
    deadline = Deadline(5, clock)
    clock.now = 2.0
    assert deadline.left == 3.0
    clock.now = 6.0
    assert deadline.left == -1.0
