"""Files that grow frame by frame and are worth something whenever the run ends: json lines and annotated videos.

Both are written under a temporary name beside the final one, which they get when they are closed, also after Ctrl-C.
What a kill leaves is the temporary file; of results it holds every line that was written, and :mod:`.resume` goes on
from it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from das_mm.engine.write_errors import write_remedy
from das_mm.errors import UserError

from .result_files import result_text

_REMEDY = 'free space on that disk, or choose another folder'
_JITTER_FRAMES = 2
_LONGEST_PAUSE_S = 60.0  # of a still picture


def part_of(path: Path) -> Path:
    """The temporary name of a file of results."""
    return path.with_name(f'.{path.name}.part')


class ResultLines:
    """A ``.jsonl`` of results, one line a frame; each line is on its way to the disk when :meth:`write` returns.

    Args:
        path: The file.
        begun: A file of the same whose first ``begun_bytes`` bytes are kept, and written on.
    """

    def __init__(self, path: str | Path, begun: Path | None = None, begun_bytes: int = 0):
        self.path = Path(path)
        self._part = part_of(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if begun is not None:
                os.replace(begun, self._part)
                os.truncate(self._part, begun_bytes)
            self._file = self._part.open('w' if begun is None else 'a', encoding='utf-8')
        except OSError as error:
            raise self._cannot(error) from error

    def write(self, result: Mapping[str, Any]) -> None:
        """Add a result.

        Raises:
            UserError: The disk is full.
        """
        try:
            self._file.write(result_text(result) + '\n')
            self._file.flush()
        except OSError as error:
            raise self._cannot(error) from error

    @property
    def size_bytes(self) -> int:
        """Of all lines."""
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Give the file its name.

        Raises:
            UserError: That cannot be done.
        """
        try:
            self._file.close()
            os.replace(self._part, self.path)
        except OSError as error:
            raise self._cannot(error) from error

    def _cannot(self, error: OSError) -> UserError:
        problem = f'the results cannot be written: {error.strerror or error}'
        return UserError(problem, file=self.path, remedy=write_remedy(error))


class AnnotatedVideo:
    """An mp4 (codec mp4v) of the frames given, all of one size.

    Args:
        path: The ``.mp4``.
        fps: Frames a second.

    The file has frames at a constant rate. Where times are given, a frame stays until the time of the next: it is
    repeated where the source paused (for up to a minute; a clock that jumps further is no clock), skipped or is slower,
    and left out where more come than there is room for. Frames that are early or late by less than two steps are simply
    put one after the other, so that jitter repeats and drops nothing.

    A width or height that is odd loses its last pixel: the codec knows even ones only.
    """

    def __init__(self, path: str | Path, fps: float):
        self.path, self.fps = Path(path), fps
        self._part = self.path.with_name(f'.{self.path.stem}.part.mp4')
        self._writer: cv2.VideoWriter | None = None
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

    def _open(self, image_bgr: np.ndarray) -> cv2.VideoWriter:
        height, width = image_bgr.shape[:2]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f'the folder cannot be made: {error.strerror}', file=self.path.parent, remedy=write_remedy(error)
            ) from error
        self._size = (width, height)
        codec = cv2.VideoWriter_fourcc(*'mp4v')  # pyright: ignore[reportAttributeAccessIssue] — not in OpenCV's stubs
        self._writer = cv2.VideoWriter(str(self._part), codec, self.fps, self._size)
        if not self._writer.isOpened():
            self._writer = None
            raise UserError(
                f'a video of {width}×{height} px and {self.fps:g} frames a second cannot be made',
                file=self.path,
                remedy='choose a folder that you may write to, or leave the video out',
            )
        return self._writer

    def close(self) -> None:
        """Finish the file and give it its name; without a frame there is none.

        Raises:
            UserError: It does not hold what was written, as on a full disk (OpenCV's writer itself says nothing).
        """
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        capture = cv2.VideoCapture(str(self._part))
        kept = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        if kept != self._written:
            raise UserError(f'only {kept} of {self._written} frames are in the video', file=self._part, remedy=_REMEDY)
        try:
            os.replace(self._part, self.path)
        except OSError as error:
            raise UserError(
                f'the video cannot be written: {error.strerror or error}', file=self.path, remedy=write_remedy(error)
            ) from error
