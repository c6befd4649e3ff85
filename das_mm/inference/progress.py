"""The progress bar of inference."""

from __future__ import annotations

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class _Speed(ProgressColumn):
    """Frames a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text('' if speed is None else f'{speed:.1f} frames/s')


class InferenceProgress:
    """Frames done, their number a second and the time left; a context manager.

    Args:
        total: Frames there will be; None if nobody knows.
        shown: Draw it at all.
    """

    def __init__(self, total: int | None, shown: bool = True):
        self._bar = Progress(
            TextColumn('{task.description}'),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(),
            TextColumn('left'),
            TimeRemainingColumn(),
            disable=not shown,
        )
        self._task = self._bar.add_task('inference', total=total)

    def advance(self) -> None:
        """One more frame is done, or was left out."""
        self._bar.advance(self._task)

    def __enter__(self) -> InferenceProgress:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()
