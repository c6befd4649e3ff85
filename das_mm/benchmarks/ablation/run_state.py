"""The state of a run on the disk: one JSON file, and a lock for the process that trains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from das_mm.engine import atomic_write, file_lock
from das_mm.errors import UserError

_FINISHED, _UNFINISHED = 'finished', 'unfinished'
_STATE, _LOCK = 'state.json', '.lock'


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    Attributes:
        metrics: All numbers of the evaluation, None where one is not finite.
        calibration: Axis -> :class:`~das_mm.evaluation.functional.calibration.Calibration` as a dict, of models with σ.
        machine: Where the last piece ran, with which versions (:mod:`das_mm.benchmarks.speed.machine`).
        seconds_evaluating: Of evaluation.
        finished_at: ISO date and time.
    """

    metrics: dict[str, float | None] = field(default_factory=dict)
    calibration: dict[str, Any] | None = None
    machine: dict[str, Any] = field(default_factory=dict)
    seconds_evaluating: float | None = None
    finished_at: str | None = None


@dataclass(frozen=True)
class RunState:
    """The progress of a run, and its result.

    Attributes:
        fingerprint: Of the settings and of the weights it starts from; two pieces of one run must agree.
        settings: Numbers worth telling: scenes, epochs, steps, batch.
        start: Where backbone and pyramid start from.
        epochs_done: Whole epochs.
        seconds: Of training, evaluation left out; what a kill made undone is not counted.
        outcome: Once it is evaluated.
    """

    fingerprint: str
    settings: dict[str, Any]
    start: str
    epochs_done: int = 0
    seconds: float = 0.0
    outcome: Outcome | None = None

    @property
    def finished(self) -> bool:
        return self.outcome is not None

    @property
    def evaluated(self) -> Outcome:
        """The outcome of a finished run.

        Raises:
            ValueError: The run is not finished.
        """
        if self.outcome is None:
            raise ValueError('the run is not finished')
        return self.outcome

    def but(self, **changes) -> RunState:
        """A copy with some fields changed."""
        return replace(self, **changes)


def read_state(folder: Path) -> RunState | None:
    """The state of the run in a folder; None where nothing has been done.

    Raises:
        UserError: The file is not one of ours.
    """
    path = folder / _STATE
    try:
        stored = json.loads(path.read_text())
        outcome = Outcome(**{one.name: stored.pop(one.name) for one in fields(Outcome)})
        finished = stored.pop('status') == _FINISHED
        return RunState(**stored, outcome=outcome if finished else None)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f'it does not tell how far the run is: {error}',
            file=path,
            remedy='delete its folder: the run then begins anew',
        ) from error


def write_state(folder: Path, state: RunState) -> None:
    """Write the state; a process that is killed leaves the old file or the new one.

    The file is flat: it has a status, and the fields of the outcome beside the others.
    """
    stored = asdict(state)
    outcome = stored.pop('outcome') or asdict(Outcome())
    stored = dict(stored, status=_FINISHED if state.finished else _UNFINISHED, **outcome)
    atomic_write(folder / _STATE, (json.dumps(stored, indent=1) + '\n').encode())


@contextmanager
def try_lock(folder: Path) -> Iterator[bool]:
    """Lock a run without waiting; the block is told whether this process has it (:func:`~das_mm.engine.file_lock`).

    Raises:
        UserError: The folder cannot be written.
    """
    path = folder / _LOCK
    try:
        lock = file_lock(path, wait=False)
    except OSError as error:
        raise UserError(
            f'it cannot be written: {error.strerror or error}', file=path, remedy='give another folder'
        ) from error
    with lock as mine:
        yield mine
