"""Times of several functions, run in turn, so that other work of the machine slows all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field

import torch


@dataclass(frozen=True)
class Spread:
    """Some numbers in short: median and quartiles (half of the numbers lie between), mean, least and largest."""

    median: float
    quartile_1: float
    quartile_3: float
    mean: float
    least: float
    largest: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        values = list(values)
        low, high = statistics.quantiles(values, n=4, method='inclusive')[::2] if len(values) > 1 else values * 2
        return cls(
            statistics.median(values), low, high, statistics.fmean(values), min(values), max(values), len(values)
        )

    def as_dict(self) -> dict[str, float | int]:
        return asdict(self)


@dataclass(frozen=True)
class Taken:
    """Seconds of every run of a function.

    Attributes:
        wall_s: By the clock on the wall: the latency, on a machine that does nothing else.
        work_s: By :func:`work_clock`: what runs are compared by.
    """

    wall_s: list[float] = field(default_factory=list)
    work_s: list[float] = field(default_factory=list)

    def divided_by(self, calls: int) -> Taken:
        """Seconds of a call, where a run was several."""
        return Taken([one / calls for one in self.wall_s], [one / calls for one in self.work_s])


@dataclass(frozen=True)
class Timed:
    """A function to be timed.

    Attributes:
        run: The function.
        around: What is entered before each run and left after it, outside the time taken.
        every: It takes part in every n-th round, and in the first three.
    """

    run: Callable[[], object]
    around: Callable[[], AbstractContextManager] = nullcontext
    every: int = 1


def time_in_turn(
    functions: Mapping[str, Timed],
    runs: int,
    warmup: int,
    device: torch.device,
    on_round: Callable[[int, int], None] | None = None,
) -> dict[str, Taken]:
    """Runs every function in turn: A, B, …, then backwards, and so on.

    Args:
        functions: By name.
        runs: Rounds that count.
        warmup: Rounds before them that do not.
        device: Work on a GPU is waited for before and after each run.
        on_round: Told how many rounds are done, and of how many.
    """
    taken = {name: Taken() for name in functions}
    for index in range(-warmup, runs):
        names = list(functions)
        for name in names if index % 2 == 0 else names[::-1]:
            timed = functions[name]
            if index >= 3 and index % timed.every:
                continue
            with timed.around():
                wall_s, work_s = time_once(timed.run, device)
            if index >= 0:
                taken[name].wall_s.append(wall_s)
                taken[name].work_s.append(work_s)
        if on_round is not None:
            on_round(index + warmup + 1, warmup + runs)
    return taken


def work_clock(device: torch.device) -> Callable[[], float]:
    """The clock that tells best how much work something is.

    On the CPU with one thread: the time that the process was given, which does not grow when other processes want the
    CPU too. With several threads, and on a GPU, there is no such number, and it is the clock on the wall.
    """
    return time.process_time if device.type == 'cpu' and torch.get_num_threads() == 1 else time.perf_counter


def time_once(function: Callable[[], object], device: torch.device) -> tuple[float, float]:
    """Seconds that one run takes: on the wall, and by the work clock."""
    clock = work_clock(device)
    wait_for(device)
    wall, work = time.perf_counter(), clock()
    function()
    wait_for(device)
    return time.perf_counter() - wall, clock() - work


def wait_for(device: torch.device) -> None:
    """Until all work given to a GPU is done."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def ratios(numerator_s: Sequence[float], denominator_s: Sequence[float]) -> Spread:
    """Quotients round by round: what slows a whole round down cancels."""
    return Spread.of([a / b for a, b in zip(numerator_s, denominator_s)])
