"""Frames gathered to batches for a predictor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from das_mm.errors import UserError

from .intrinsics import CameraFinder
from .predictor import InputImage, Predictor
from .run_options import OnSkip
from .sources import Frame


def batches(
    events: Iterable[Frame | UserError],
    predictor: Predictor,
    camera: CameraFinder,
    batch_size: int,
    on_skip: OnSkip,
    is_computed: Callable[[Frame], bool] = lambda frame: True,
    is_last: Callable[[Frame], bool] = lambda frame: False,
) -> Iterator[tuple[list[Any] | None, list[Frame]]]:
    """Prepared inputs and the frames they are of; None in place of inputs for frames that the network need not see.

    Args:
        events: Frames, and errors of what cannot be read.
        predictor: Prepares them.
        camera: Finds the intrinsics.
        batch_size: Frames of a batch, except for those of a camera: what it sees is wanted now.
        on_skip: Is told the errors.
        is_computed: Whether the network must see a frame.
        is_last: Whether a frame must be the last of its batch.
    """
    waiting: list[tuple[Any, Frame]] = []

    def together() -> tuple[list[Any], list[Frame]]:
        prepared, frames = map(list, zip(*waiting))
        waiting.clear()
        return prepared, frames

    for event in events:
        if isinstance(event, UserError):
            on_skip(event)
            continue
        if not is_computed(event):
            if waiting:
                yield together()
            yield None, [event]
            continue
        waiting.append((predictor.prepare(_input_image(event, camera)), event))
        if len(waiting) == batch_size or event.source.live or is_last(event):
            yield together()
    if waiting:
        yield together()


def _input_image(frame: Frame, camera: CameraFinder) -> InputImage:
    height, width = frame.image.shape[:2]
    source = frame.source
    found = camera.find((width, height), source.path, is_photo=not source.is_sequence)
    return InputImage(frame.image, found, source.name, source.file, frame.index, frame.time_s)
