"""Video files, frame after frame, by one rule for conversions and inference: what cannot be decoded is passed over, and
said."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .image_header import check_image_size
from .regular_files import check_regular

_GIVE_UP_AFTER = 1000  # frames in a row that cannot be decoded, of those that are announced
_LAST_FRAMES = 1.5  # the last frame begins so many before the end
_TRIED_BEHIND_THE_END = 30  # of a video that does not say how long it is, or says too little


@dataclass(frozen=True)
class VideoFrame:
    """
    Attributes:
        number: From 0; frames that cannot be decoded count.
        image: (H, W, 3) uint8 BGR, upright; None where it was not asked for.
        time_ms: As the container says, which may be nonsense.
    """

    number: int
    image: np.ndarray | None
    time_ms: float


@contextmanager
def open_video(path: str | Path) -> Iterator[cv2.VideoCapture]:
    """A video file as OpenCV's, opened or (where it is none) not; frames come upright.

    Raises:
        UserError: It is no file, or its pictures are absurdly large.
    """
    check_regular(path)
    with _readable_name(path) as name:
        capture = cv2.VideoCapture(name)
        try:
            capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
            size = [capture.get(side) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
            if all(math.isfinite(side) and side > 0 for side in size):  # others show with the first picture
                check_image_size((int(size[0]), int(size[1])), path)
            yield capture
        finally:
            capture.release()


def announced_frames(capture: cv2.VideoCapture) -> int | None:
    """How many frames the container says there are; None where it says nothing."""
    told = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return int(told) if math.isfinite(told) and told > 0 else None


def decoded_frames(
    capture: cv2.VideoCapture,
    on_broken: Callable[[int], object],
    is_wanted: Callable[[int], bool] = lambda number: True,
) -> Iterator[VideoFrame]:
    """Every frame from the first on: going to one by its number is not exact with all codecs.

    Args:
        capture: Just opened.
        on_broken: Is told the number of each frame that cannot be decoded.
        is_wanted: Whether the image of the frame of a number is.
    """
    announced = announced_frames(capture) or 0
    number, last_ms, failed = 0, math.nan, []  # numbers since the last that was decoded
    while len(failed) < _GIVE_UP_AFTER and number < max(announced, number - len(failed)) + _TRIED_BEHIND_THE_END:
        done, image = capture.grab(), None
        time_ms = capture.get(cv2.CAP_PROP_POS_MSEC) if done else math.nan
        if done and is_wanted(number):
            done, image = capture.retrieve()
        if done:
            for broken in failed:  # the video goes on: it was not its end
                on_broken(broken)
            failed, last_ms = [], time_ms
            yield VideoFrame(number, image, time_ms)
        else:
            failed.append(number)
        number += 1
    if not _reaches_end(capture, announced, last_ms):
        for broken in failed:
            if broken < announced:
                on_broken(broken)


def _reaches_end(capture: cv2.VideoCapture, announced: int, last_ms: float) -> bool:
    """Whether a frame of this time is the last. Of a container that tells no number of frames, as Matroska, the number
    is a guess by rate and length, and of a varying rate too great."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return math.isfinite(fps) and fps > 0 and last_ms >= 1000 * (announced - _LAST_FRAMES) / fps


@contextmanager
def _readable_name(path: str | Path) -> Iterator[str]:
    """The path, absolute so that no part of it is taken for a protocol; OpenCV dies of names that are not UTF-8: such a
    file is read by another name."""
    name = os.path.abspath(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory(prefix='das_mm_') as folder:
            link = os.path.join(folder, 'video')
            os.symlink(name, link)
            yield link
    else:
        yield name
