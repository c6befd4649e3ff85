"""Keeps the record of a run while its results grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from .resume import Earlier
from .run_record import RunRecord, input_words, record_path
from .sources import Frame, Source

_EVERY_FRAMES = 16  # a run that was killed computes so many again where people are followed


class RecordKeeper:
    """Writes a :class:`.RunRecord` for every video; a context manager, so that the last state is kept too.

    Args:
        predictions: Folder of the results; None where there are none, and no record then.
        settings: Of each source, for the record.
        earlier: What an earlier run left of some sources; their records are gone on with.
    """

    def __init__(
        self, predictions: Path | None, settings: Mapping[Source, Mapping[str, Any]], earlier: Mapping[Source, Earlier]
    ):
        self._predictions, self._settings, self._earlier = predictions, settings, earlier
        self._source: Source | None = None
        self._record: RunRecord | None = None
        self._next, self._unsaved = 0, 0

    def before(self, frame: Frame) -> None:
        """A new result is about to be written: what must be known of it after a kill is written first."""
        if self._predictions is None or not frame.source.is_sequence or frame.source.live:
            return
        assert frame.index is not None  # of every frame of a video
        if frame.source is not self._source:
            self._begin(frame.source, self._predictions)
        assert self._record is not None  # just begun
        if frame.index > self._next:
            self._record.gaps += range(self._next, frame.index)
            self._record.write()
        self._next = frame.index + 1

    def after(self, frame: Frame, size_bytes: int, state: Callable[[], Mapping[str, np.ndarray] | None]) -> None:
        """It was written.

        Args:
            frame: Of the result.
            size_bytes: Of all lines of the video.
            state: Gives what is remembered after the frame.
        """
        if self._record is None or frame.source is not self._source or (known := state()) is None:
            return
        assert frame.index is not None  # of every frame of a video
        self._record.frame, self._record.size_bytes, self._record.state = frame.index, size_bytes, known
        self._unsaved += 1
        if self._unsaved >= _EVERY_FRAMES:
            self._save()

    def __enter__(self) -> RecordKeeper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._save()

    def _begin(self, source: Source, predictions: Path) -> None:
        self._save()
        self._source, self._unsaved, earlier = source, 0, self._earlier.get(source)
        old = None if earlier is None else earlier.record
        done = -1 if earlier is None or earlier.last is None else earlier.last
        gaps = [] if old is None else [number for number in old.gaps if number < done]
        words = input_words(source.path or '') if old is None else old.input
        self._record = RunRecord(record_path(predictions, source.name), self._settings[source], words, gaps)
        if earlier is not None and earlier.state is not None:  # good until there is a newer one
            assert old is not None  # or there were no state
            self._record.frame, self._record.size_bytes, self._record.state = old.frame, old.size_bytes, old.state
        self._record.write()
        self._next = done + 1

    def _save(self) -> None:
        if self._record is not None and self._unsaved:
            self._record.write()
            self._unsaved = 0
