"""Annotated videos, which keep the time of what they show; like :mod:`.output_streams` under a temporary name."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from das_mm.engine.video_writers import VideoWriter, open_video_writer
from das_mm.engine.write_errors import write_remedy
from das_mm.errors import UserError

_JITTER_FRAMES = 2
_LONGEST_PAUSE_S = 60.0  # of a still picture


class AnnotatedVideo:
    """An mp4 of the frames given, all of one size; see :func:`.open_video_writer`.

    Args:
        path: The ``.mp4``.
        fps: Frames a second.

    The file has frames at a constant rate. Where times are given, a frame stays until the time of the next: it is
    repeated where the source paused (for up to a minute; a clock that jumps further is no clock), skipped or is slower,
    and left out where more come than there is room for. Frames that are early or late by less than two steps are simply
    put one after the other, so that jitter repeats and drops nothing.
    """

    def __init__(self, path: str | Path, fps: float):
        self.path, self.fps = Path(path), fps
        self._part = self.path.with_name(f'.{self.path.stem}.part.mp4')
        self._writer: VideoWriter | None = None
        self._size = (0, 0)
        self._written = 0
        self._start_s: float | None = None
        self._last: np.ndarray | None = None

    def write(self, image_bgr: np.ndarray, time_s: float | None = None) -> None:
        """Add a frame (H, W, 3) uint8 of a time; without one it follows the frame before.

        Raises:
            UserError: The file cannot be made.
        """
        writer = self._open(image_bgr) if self._writer is None else self._writer
        height, width = image_bgr.shape[:2]
        if (width, height) != self._size:  # a stream may change its resolution; a file cannot
            image_bgr = cv2.resize(image_bgr, self._size, interpolation=cv2.INTER_AREA)
        late = self._frames_late(time_s)
        if late <= -_JITTER_FRAMES:
            return
        repeated = late if _JITTER_FRAMES <= late <= _LONGEST_PAUSE_S * self.fps else 0
        if self._last is not None:
            for _ in range(repeated):
                writer.write(self._last)
                self._written += 1
        if time_s is not None and late >= _JITTER_FRAMES and not repeated:  # the clock has jumped: go on from here
            self._start_s = time_s - self._written / self.fps
        writer.write(image_bgr)
        self._written += 1
        self._last = image_bgr

    def _frames_late(self, time_s: float | None) -> int:
        """Steps by which the next frame of the file would come before its time."""
        if time_s is None:
            return 0
        if self._start_s is None:
            self._start_s = time_s
        return round((time_s - self._start_s) * self.fps) - self._written

    def _open(self, image_bgr: np.ndarray) -> VideoWriter:
        height, width = image_bgr.shape[:2]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f'the folder cannot be made: {error.strerror}', file=self.path.parent, remedy=write_remedy(error)
            ) from error
        self._size = (width, height)
        self._writer = open_video_writer(self._part, self._size, self.fps)
        return self._writer

    def close(self) -> None:
        """Finish the file and give it its name; without a frame there is none.

        Raises:
            UserError: It does not hold what was written, as on a full disk.
        """
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        writer.close()
        try:
            os.replace(self._part, self.path)
        except OSError as error:
            raise UserError(
                f'the video cannot be written: {error.strerror or error}', file=self.path, remedy=write_remedy(error)
            ) from error
