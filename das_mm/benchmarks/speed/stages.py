"""Where a forward pass or a training step spends its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch

from das_mm.models.pose_estimators import DAS

from .timing import work_clock

OTHER = 'other'
STAGES = (
    'backbone',
    'neck',
    'cls tower',
    'reg tower',
    'pose tower',
    'sigma',
    'recursion',
    'branches',
    'decode',
    'NMS',
    'camera',
    'tracker',
    'assign',
    'losses',
    'backward',
    'optimizer',
    OTHER,
)

Part = tuple[Any, str, str]  # owner, name of its function, stage


class StageClock:
    """Splits the time between :meth:`start` and :meth:`stop` into stages, each without what is nested in it.

    Every moment belongs to exactly one stage, so the stages sum up to the total. On the CPU it goes by the
    :func:`work_clock`. On a GPU the marks are events in its queue: nothing waits for them, and a stage's time is what
    passes on the GPU.

    Example:
        >>> clock = StageClock(torch.device('cpu'))
        >>> clock.start()
        >>> with clock.stage('backbone'):
        ...     pass
        >>> times_s = clock.stop()
        >>> sorted(times_s), times_s['backbone'] < 1
        (['backbone', 'other'], True)
    """

    def __init__(self, device: torch.device):
        self._device, self._now = device, work_clock(device)
        self._stack: list[str] = []
        self._marks: list[tuple[Any, str]] = []  # a moment, and the stage that begins there

    def start(self) -> None:
        self._stack, self._marks = [OTHER], []
        self._mark()

    def stop(self) -> dict[str, float]:
        """Seconds of every stage that was entered, and of ``other``."""
        self._mark()
        if self._device.type == 'cuda':
            torch.cuda.synchronize(self._device)
        times_s = {stage: 0.0 for _, stage in self._marks}
        for (begin, stage), (end, _) in zip(self._marks, self._marks[1:]):
            times_s[stage] += self._between_s(begin, end)
        return times_s

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._stack.append(name)
        self._mark()
        try:
            yield
        finally:
            self._stack.pop()
            self._mark()

    def _mark(self) -> None:
        if self._device.type == 'cuda':
            moment = torch.cuda.Event(enable_timing=True)
            moment.record(torch.cuda.current_stream(self._device))
        else:
            moment = self._now()
        self._marks.append((moment, self._stack[-1]))

    def _between_s(self, begin: Any, end: Any) -> float:
        return begin.elapsed_time(end) / 1000 if self._device.type == 'cuda' else end - begin


@contextmanager
def clocked(model: DAS, clock: StageClock, *further: Part) -> Iterator[None]:
    """While entered, the parts of a model, and further ones, tell the clock when they run. It must be running."""
    parts = [*_parts(model), *further]
    before = [vars(owner).get(name) for owner, name, _ in parts]
    try:
        for owner, name, stage in parts:
            object.__setattr__(owner, name, _timed(getattr(owner, name), clock, stage))
        yield
    finally:
        for (owner, name, _), old in zip(parts, before):
            if old is None:
                object.__delattr__(owner, name)
            else:
                object.__setattr__(owner, name, old)


def _parts(model: DAS) -> Iterator[Part]:
    """What both evaluations of the head call, sparse (at points) and dense."""
    head = model.head
    yield model.backbone, 'forward', 'backbone'
    if model.with_neck:
        yield model.neck, 'forward', 'neck'
    for module in (head.cls_tower, head.cls_branch):
        yield module, 'forward', 'cls tower'
    yield head.reg_tower, 'forward', 'reg tower'
    for branch in (head.centerness_branch, head.offset_branch, head.depth_branch):
        yield branch, 'at_points', 'reg tower'
        yield branch, 'forward', 'reg tower'
    for module in (head.pose_tower, head.pose_branch):
        yield module, 'forward', 'pose tower'
    if head.uses_sigma:
        yield head.sigma_branch, 'at_points', 'sigma'
        yield head.sigma_branch, 'forward', 'sigma'
    yield head.update, 'sparse', 'recursion'
    yield head.update, 'dense', 'recursion'
    for branch in head.branches.values():
        yield branch, 'forward_points', 'branches'
        yield branch, 'forward', 'branches'
        yield branch, 'decode', 'decode'
    yield head.coder, 'decode', 'decode'
    yield head, 'nms', 'NMS'
    yield model, 'add_pred_to_datasample', 'camera'
    if hasattr(model, 'tracker'):
        yield model.tracker, 'update', 'tracker'
    yield head, 'assign_targets', 'assign'
    yield head, 'loss_by_feat', 'losses'


def _timed(function: Callable, clock: StageClock, stage: str) -> Callable:
    @wraps(function, assigned=(), updated=())
    def run(*args, **kwargs):
        with clock.stage(stage):
            return function(*args, **kwargs)

    return run
