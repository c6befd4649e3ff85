"""What gives image after image: files, arrays, videos, cameras of this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from das_mm.errors import UserError

from .image_io import as_bgr, read_image

_UNKNOWN_FPS = 25.0  # of a video or webcam that does not say
# any other may be the mean of a varying rate, or the unit of a clock, such as 90000
_COMMON_FPS = (5, 10, 12, 12.5, 15, 20, 24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60, 120)
_TIMED_FRAMES = 20  # looked at in that case
_GIVE_UP_AFTER = 1000  # frames in a row that cannot be decoded

Report = Callable[[UserError], None]


@dataclass(frozen=True)
class Frame:
    """One image on its way through the network.

    Attributes:
        image: (H, W, 3) uint8 BGR, upright.
        source: Where it is from.
        index: Number of the frame in its video, from 0; None for an image.
        time_s: Its time in the video, or since the webcam was opened.
    """

    image: np.ndarray
    source: Source
    index: int | None = None
    time_s: float | None = None


class Source:
    """One input.

    Attributes:
        name: For the output files; no two sources of a run share it.
        file: As the user named it; None for an array or a webcam.
        path: Where it lies on this machine; of a download elsewhere than ``file``.
        num_frames: As announced; None if nobody knows.
        fps: Frames a second of a video or webcam; None for an image.
    """

    num_frames: int | None = 1
    fps: float | None = None
    live = False

    def __init__(self, name: str, file: str | None = None, path: str | None = None):
        self.name, self.file, self.path = name, file, path or file

    @property
    def is_sequence(self) -> bool:
        return self.fps is not None

    def frames(self, report: Report, first: int = 0) -> Iterator[Frame]:
        """The frames from number ``first`` on; what cannot be read is told to ``report`` and left out."""
        raise NotImplementedError


class ImageSource(Source):
    """An image file or array."""

    def __init__(self, name: str, file: str | None = None, path: str | None = None, array: np.ndarray | None = None):
        super().__init__(name, file, path)
        self._array = None if array is None else as_bgr(array)

    def frames(self, report: Report, first: int = 0) -> Iterator[Frame]:
        try:
            image = read_image(self.path or '') if self._array is None else self._array
        except UserError as error:
            report(UserError(error.problem, file=self.file, field=error.field, remedy=error.remedy))
            return
        yield Frame(image, self)


class VideoSource(Source):
    """A video file. Frames are turned upright as the file says, which phones leave to the player."""

    path: str
    fps: float

    def __init__(self, name: str, file: str, path: str | None = None):
        super().__init__(name, file, path)
        capture = cv2.VideoCapture(self.path)
        self.fps = _frames_per_second(capture)
        announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.num_frames = int(announced) if math.isfinite(announced) and announced > 0 else None
        capture.release()

    def frames(self, report: Report, first: int = 0) -> Iterator[Frame]:
        """Decodes from the beginning: going to a frame by its number is not exact with all codecs."""
        capture = cv2.VideoCapture(self.path)
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        index, in_a_row, time_s = 0, 0, -1 / self.fps
        broken, first_broken = 0, 0
        try:
            while True:
                done = capture.grab()
                if done:
                    time_s = self._time_s(capture, time_s)
                    image = None
                    if index >= first:
                        done, image = capture.retrieve()
                if done:
                    in_a_row = 0
                    if image is not None:
                        yield Frame(image, self, index, time_s)
                elif index < (self.num_frames or 0) and in_a_row < _GIVE_UP_AFTER:
                    first_broken = index if not broken else first_broken
                    broken += 1
                    in_a_row += 1
                else:
                    break
                index += 1
        finally:
            capture.release()
        if index == broken:
            report(UserError('it is no video that can be decoded', file=self.file, remedy='give a whole video file'))
        elif broken:
            report(
                UserError(
                    f'{broken} of the {self.num_frames} frames it announces cannot be decoded, the first '
                    f'is number {first_broken}; they are left out',
                    file=self.file,
                    remedy='give a whole video file if that matters',
                )
            )

    def _time_s(self, capture: cv2.VideoCapture, last_s: float) -> float:
        """The time of the frame as the container says: phones and screen recorders vary their frame rate. Where it says
        nothing, or time does not go on, the announced rate goes on from the frame before."""
        told_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return round(told_s, 6) if math.isfinite(told_s) and told_s > last_s else last_s + 1 / self.fps


class WebcamSource(Source):
    """A camera of this machine, until it is unplugged or the user interrupts."""

    num_frames = None
    live = True

    def __init__(self, name: str, device: int):
        super().__init__(name)
        self.device = device
        self._capture = cv2.VideoCapture(device)
        if not self._capture.isOpened():
            raise UserError(
                f'there is no camera number {device} that can be opened',
                field='webcam',
                remedy='check that it is plugged in and not in use, or give another number',
            )
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # what waits in line would be seen too late
        told = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = told if math.isfinite(told) and 0 < told <= max(_COMMON_FPS) else _UNKNOWN_FPS

    def frames(self, report: Report, first: int = 0) -> Iterator[Frame]:
        start = time.monotonic()
        index = 0
        try:
            while True:
                done, image = self._capture.read()
                if not done:
                    break
                yield Frame(image, self, index, time.monotonic() - start)
                index += 1
        finally:
            self._capture.release()
        if index == 0:
            report(
                UserError(
                    f'camera number {self.device} gives no image', field='webcam', remedy='check that it is not in use'
                )
            )


def _frames_per_second(capture: cv2.VideoCapture) -> float:
    """As announced, if that is a common rate; else by the times of the first frames, as the usual step says."""
    told = capture.get(cv2.CAP_PROP_FPS)
    if any(math.isclose(told, common, rel_tol=1e-3) for common in _COMMON_FPS):
        return told
    times_s = []
    while len(times_s) < _TIMED_FRAMES and capture.grab():
        times_s.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    steps_s = np.diff(times_s)
    if len(steps_s) and np.isfinite(steps_s).all() and np.median(steps_s) > 1e-3:
        return round(1 / float(np.median(steps_s)), 2)
    return told if math.isfinite(told) and 0 < told <= max(_COMMON_FPS) else _UNKNOWN_FPS
