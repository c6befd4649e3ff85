"""Writers of mp4 files: H.264 through PyAV, which every browser plays, and MPEG-4 part 2 through OpenCV without it."""

from __future__ import annotations

import logging
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from das_mm.errors import UserError

from .write_errors import write_remedy

_CODEC = 'libx264'
_SETTINGS = {'preset': 'veryfast', 'crf': '20'}  # sharp enough for thin lines; a third of the time of the default
_LARGEST_DENOMINATOR = 1001  # of a frame rate, as of 30000/1001
_BT601, _LIMITED = 6, 1  # FFmpeg's numbers of the colour matrix and range that frames are converted to
_FULL_DISK = 'free space on that disk, or choose another folder'


class VideoWriter(Protocol):
    """Takes (H, W, 3) uint8 BGR frames of the size that it was opened for."""

    def write(self, image_bgr: np.ndarray) -> None:
        """Add a frame."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def open_video_writer(path: Path, size: tuple[int, int], fps: float) -> VideoWriter:
    """A writer of an mp4 with frames at a constant rate: H.264 where PyAV (extra ``video``) is installed.

    Args:
        path: The file.
        size: (width, height) px; of what is odd the last column or row is lost, for the codecs know even ones only.
        fps: Frames a second.

    Raises:
        UserError: No such video can be made.
    """
    if _has_h264():
        return H264Writer(path, size, fps)
    return Mpeg4Writer(path, size, fps)


@lru_cache(maxsize=1)
def _has_h264() -> bool:
    if find_spec('av') is not None:
        import av

        if _CODEC in av.codecs_available:
            return True
    logging.getLogger('das_mm').warning(
        "videos are written as MPEG-4 part 2, which browsers do not play; for H.264: pip install 'das_mm[video]'"
    )
    return False


class H264Writer:
    """H.264 in 4:2:0, its index at the beginning of the file, so that a browser plays it while it loads."""

    def __init__(self, path: Path, size: tuple[int, int], fps: float):
        import av
        from av.error import FFmpegError

        self.path, self._errors, self._count = path, (FFmpegError, OSError, ValueError), 0
        self._even = (size[0] // 2 * 2, size[1] // 2 * 2)
        rate = Fraction(fps).limit_denominator(_LARGEST_DENOMINATOR)
        self._tick, self._frame_of = 1 / rate, av.VideoFrame.from_ndarray
        if min(self._even) < 2:
            raise _impossible(path, size, fps)
        try:
            self._container = av.open(str(path), 'w', format='mp4', options={'movflags': '+faststart'})
        except self._errors as error:
            raise _impossible(path, size, fps) from error
        stream: Any = self._container.add_stream(_CODEC, rate=rate, options=_SETTINGS)
        stream.width, stream.height = self._even
        stream.pix_fmt, stream.time_base = 'yuv420p', self._tick
        codec = stream.codec_context
        codec.time_base, codec.colorspace, codec.color_range = self._tick, _BT601, _LIMITED
        self._stream = stream

    def write(self, image_bgr: np.ndarray) -> None:
        """
        Raises:
            UserError: The disk is full.
        """
        width, height = self._even
        frame = self._frame_of(np.ascontiguousarray(image_bgr[:height, :width]), format='bgr24')
        frame.pts, frame.time_base = self._count, self._tick
        self._count += 1
        try:
            self._container.mux(self._stream.encode(frame))
        except self._errors as error:
            raise self._cannot(error) from error

    def close(self) -> None:
        """
        Raises:
            UserError: The disk is full.
        """
        try:
            self._container.mux(self._stream.encode())
            self._container.close()
        except self._errors as error:
            raise self._cannot(error) from error

    def _cannot(self, error: Exception) -> UserError:
        remedy = write_remedy(error) if isinstance(error, OSError) else _FULL_DISK
        return UserError(f'the video cannot be written: {error}', file=self.path, remedy=remedy)


class Mpeg4Writer:
    """MPEG-4 part 2 (mp4v) by OpenCV, which comes with every installation."""

    def __init__(self, path: Path, size: tuple[int, int], fps: float):
        self.path, self._count = path, 0
        codec = cv2.VideoWriter_fourcc(*'mp4v')  # pyright: ignore[reportAttributeAccessIssue] — not in OpenCV's stubs
        self._writer = cv2.VideoWriter(str(path), codec, fps, size)
        if not self._writer.isOpened():
            raise _impossible(path, size, fps)

    def write(self, image_bgr: np.ndarray) -> None:
        self._writer.write(image_bgr)
        self._count += 1

    def close(self) -> None:
        """
        Raises:
            UserError: It does not hold what was written, as on a full disk (OpenCV's writer itself says nothing).
        """
        self._writer.release()
        capture = cv2.VideoCapture(str(self.path))
        kept = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        if kept != self._count:
            problem = f'only {kept} of {self._count} frames are in the video'
            raise UserError(problem, file=self.path, remedy=_FULL_DISK)


def _impossible(path: Path, size: tuple[int, int], fps: float) -> UserError:
    return UserError(
        f'a video of {size[0]}×{size[1]} px and {fps:g} frames a second cannot be made',
        file=path,
        remedy='choose a folder that you may write to, or leave the video out',
    )
