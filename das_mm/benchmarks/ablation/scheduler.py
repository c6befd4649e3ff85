"""The scheduler of the runs: one after the other, in pieces, by any number of processes at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .run_plan import Run
from .run_state import read_state, try_lock


@dataclass(frozen=True)
class Deadline:
    """A point in time at which training stops.

    Attributes:
        seconds: From now; None for never.
        clock: Seconds that pass.
    """

    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    _begin: float = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, '_begin', self.clock())

    @property
    def left(self) -> float:
        """Seconds until then; below zero when it has passed."""
        return float('inf') if self.seconds is None else self.seconds - (self.clock() - self._begin)


#: trains a run in its folder until the deadline; whether it is finished
Train = Callable[[Run, Path, Deadline], bool]
#: told of a run: 'done already', 'busy', 'begin', 'finished' or 'paused'
Notify = Callable[[Run, str], None]


def train_runs(
    runs: Iterable[Run], out: str | Path, train: Train, deadline: Deadline, notify: Notify = lambda run, event: None
) -> bool:
    """Train the runs that are not finished, until the deadline.

    A run that another process holds is passed over. Every call gets at least one run a piece further.

    Args:
        runs: In their order.
        out: Folder of all runs.
        train: See :data:`Train`.
        deadline: When to stop.
        notify: See :data:`Notify`.

    Returns:
        Whether all runs are finished.

    Raises:
        UserError: What training raises.
    """
    complete, worked = True, False
    for run in runs:
        folder = run.folder(out)
        if _is_finished(folder):
            notify(run, 'done already')
            continue
        if worked and deadline.left <= 0:
            return False
        with try_lock(folder) as mine:
            if not mine:
                notify(run, 'busy')
                complete = False
                continue
            if _is_finished(folder):  # by the process that had it a moment ago
                continue
            notify(run, 'begin')
            finished = train(run, folder, deadline)
            worked = True
        notify(run, 'finished' if finished else 'paused')
        if not finished:
            return False
    return complete


def _is_finished(folder: Path) -> bool:
    state = read_state(folder)
    return state is not None and state.finished
