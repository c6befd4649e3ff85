"""What gives image after image: files, arrays, videos, cameras of this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np

from das_mm.engine.animations import animation_frames, count_frames
from das_mm.engine.image_header import image_header
from das_mm.engine.video_files import announced_frames, decoded_frames, open_video
from das_mm.errors import UserError

from .image_io import as_bgr, read_image

_UNKNOWN_FPS = 25.0  # of a video or webcam that does not say
# any other may be the mean of a varying rate, or the unit of a clock, such as 90000
_COMMON_FPS = (5, 10, 12, 12.5, 15, 20, 24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60, 120)
_TIMED_FRAMES = 20  # looked at in that case
_LEAST_FPS = 1.0
_SHORTEST_STEP_S, _LONGEST_STEP_S = 1e-3, 3600.0  # between two frames; a clock of others is damaged

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
        if self.path is not None and self._array is None and image_header(self.path).has_more:
            remedy = 'save the others as files of their own'
            report(UserError('of its pages or frames only the first is read', file=self.file, remedy=remedy))


class AnimationSource(Source):
    """An image file of several frames: a video without codec."""

    path: str
    fps: float

    def __init__(self, name: str, file: str, path: str | None = None):
        super().__init__(name, file, path)
        try:
            self.num_frames = count_frames(self.path)
            stays_ms = [stays_ms for _, stays_ms in islice(animation_frames(self.path), _TIMED_FRAMES)]
        except UserError:  # it is told when it is read
            self.num_frames, stays_ms = None, []
        self.fps = min(max(1000 / float(np.median(stays_ms or [40])), _LEAST_FPS), max(_COMMON_FPS))

    def frames(self, report: Report, first: int = 0) -> Iterator[Frame]:
        time_ms = 0.0
        try:
            for number, (image, stays_ms) in enumerate(animation_frames(self.path)):
                if number >= first:
                    yield Frame(image, self, number, round(time_ms / 1000, 6))
                time_ms += stays_ms
        except UserError as error:
            report(UserError(error.problem, file=self.file, remedy=error.remedy))


class VideoSource(Source):
    """A video file. Frames are turned upright as the file says, which phones leave to the player."""

    path: str
    fps: float

    def __init__(self, name: str, file: str, path: str | None = None):
        super().__init__(name, file, path)
        self.fps, self.num_frames = _UNKNOWN_FPS, None
        with suppress(UserError), open_video(self.path) as capture:  # it is told when it is read
            self.fps = _frames_per_second(capture)
            self.num_frames = announced_frames(capture)

    def frames(self, report: Report, first: int = 0) -> Iterator[Frame]:
        broken: list[int] = []
        count, time_s = 0, -1 / self.fps
        try:
            with open_video(self.path) as capture:
                for one in decoded_frames(capture, broken.append, lambda number: number >= first):
                    count += 1
                    time_s = self._time_s(one.time_ms / 1000, time_s)
                    if one.image is not None:
                        yield Frame(one.image, self, one.number, time_s)
        except UserError as error:
            report(UserError(error.problem, file=self.file, field=error.field, remedy=error.remedy))
            return
        if not count:
            report(UserError('it is no video that can be decoded', file=self.file, remedy='give a whole video file'))
        elif broken:
            report(
                UserError(
                    f'{len(broken)} of the {self.num_frames or count + len(broken)} frames it announces cannot be '
                    f'decoded, the first is number {broken[0]}; they are left out',
                    file=self.file,
                    remedy='give a whole video file if that matters',
                )
            )

    def _time_s(self, told_s: float, last_s: float) -> float:
        """The time of the frame as the container says: phones and screen recorders vary their frame rate. Where it says
        nothing, or time does not go on or leaps, the announced rate goes on from the frame before."""
        goes_on = math.isfinite(told_s) and last_s + _SHORTEST_STEP_S <= told_s <= last_s + _LONGEST_STEP_S
        return round(told_s, 6) if goes_on else last_s + 1 / self.fps


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
    """As announced, if that is a common rate; else by the times of the first frames, as the usual step says. At least
    1: what is written at that rate repeats frames that stay for longer."""
    told = capture.get(cv2.CAP_PROP_FPS)
    if any(math.isclose(told, common, rel_tol=1e-3) for common in _COMMON_FPS):
        return told
    times_s = []
    while len(times_s) < _TIMED_FRAMES and capture.grab():
        times_s.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    steps_s = np.diff(times_s)
    if len(steps_s) and np.isfinite(steps_s).all() and _SHORTEST_STEP_S < np.median(steps_s) <= _LONGEST_STEP_S:
        return max(round(1 / float(np.median(steps_s)), 2), _LEAST_FPS)
    return told if math.isfinite(told) and _LEAST_FPS <= told <= max(_COMMON_FPS) else _UNKNOWN_FPS
