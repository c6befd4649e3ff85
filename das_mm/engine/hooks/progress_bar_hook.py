"""A progress bar in the terminal for those who watch a training."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from das_mm.registry import HOOKS


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """Iterations done, the time left and the running loss, and the images evaluated; on the main process only."""

    priority = 'VERY_LOW'

    def __init__(self):
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._evaluating = False

    def _start(self, description: str, total: int, completed: int = 0) -> None:
        if not is_main_process():
            return
        self._stop()
        self._progress = Progress(
            TextColumn('{task.description}', markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn('left'),
            TimeRemainingColumn(),
            TextColumn('{task.fields[note]}', markup=False),
        )
        self._progress.start()
        self._task = self._progress.add_task(description, total=total, completed=completed, note='')

    def _advance(self, note: str = '') -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=1, note=note)

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def before_train(self, runner: Runner) -> None:
        self._start('training', runner.max_iters, runner.iter)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs: dict | None = None) -> None:
        self._advance(f'loss {outputs["loss"].item():.3f}' if outputs and 'loss' in outputs else '')

    def before_val(self, runner: Runner) -> None:
        if self._progress is None:  # a validation within a training leaves the training's bar alone
            self._start('evaluating', len(runner.val_dataloader))
            self._evaluating = True
        else:
            self._evaluating = False

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs: Sequence | None = None) -> None:
        if self._evaluating:
            self._advance()

    def after_val(self, runner: Runner) -> None:
        if self._evaluating:
            self._stop()

    def after_train(self, runner: Runner) -> None:
        self._stop()
