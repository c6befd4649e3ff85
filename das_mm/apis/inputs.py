"""What a user names (files, folders, globs, arrays, videos, webcams) as sources that give image after image."""
from __future__ import annotations

import glob
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from das_mm.errors import UserError

from .image_io import as_bgr, read_image

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.jp2', '.pgm', '.ppm', '.gif')
VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv', '.flv')

_UNKNOWN_FPS = 25.0  # of a video or webcam that does not say
_GIVE_UP_AFTER = 1000  # frames in a row that cannot be decoded
_WEBCAM = re.compile(r'webcam(?::(\d+))?')

Report = Callable[[UserError], None]
Input = str | Path | int | np.ndarray


@dataclass(frozen=True)
class Frame:
    """One image on its way through the network.

    Attributes:
        image: (H, W, 3) uint8 BGR.
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
        num_frames: As announced; None if nobody knows.
        fps: Frames a second of a video or webcam; None for an image.
    """

    num_frames: int | None = 1
    fps: float | None = None
    live = False

    def __init__(self, name: str, file: str | None = None):
        self.name, self.file = name, file

    @property
    def is_sequence(self) -> bool:
        return self.fps is not None

    def frames(self, report: Report) -> Iterator[Frame]:
        """The frames; what cannot be read is told to ``report`` and left out."""
        raise NotImplementedError


class ImageSource(Source):
    """An image file or array."""

    def __init__(self, name: str, file: str | None = None, array: np.ndarray | None = None):
        super().__init__(name, file)
        self._array = None if array is None else as_bgr(array)

    def frames(self, report: Report) -> Iterator[Frame]:
        try:
            image = read_image(self.file) if self._array is None else self._array
        except UserError as error:
            report(error)
            return
        yield Frame(image, self)


class VideoSource(Source):
    """A video file."""

    def __init__(self, name: str, file: str):
        super().__init__(name, file)
        capture = cv2.VideoCapture(file)
        self.fps = _frames_per_second(capture)
        announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.num_frames = int(announced) if math.isfinite(announced) and announced > 0 else None
        capture.release()

    def frames(self, report: Report) -> Iterator[Frame]:
        capture = cv2.VideoCapture(self.file)
        index, broken, in_a_row = 0, [], 0
        try:
            while True:
                done, image = capture.read()
                if done:
                    in_a_row = 0
                    yield Frame(image, self, index, index / self.fps)
                elif index < (self.num_frames or 0) and in_a_row < _GIVE_UP_AFTER:
                    broken.append(index)
                    in_a_row += 1
                else:
                    break
                index += 1
        finally:
            capture.release()
        if index == len(broken):
            report(UserError('it is no video that can be decoded', file=self.file, remedy='give a whole video file'))
        elif broken:
            report(UserError(f'{len(broken)} of the {self.num_frames} frames it announces cannot be decoded, the first '
                             f'is number {broken[0]}; they are left out', file=self.file,
                             remedy='give a whole video file if that matters'))


class WebcamSource(Source):
    """A camera of this machine, until it is unplugged or the user interrupts."""

    num_frames = None
    live = True

    def __init__(self, name: str, device: int):
        super().__init__(name)
        self.device = device
        self._capture = cv2.VideoCapture(device)
        if not self._capture.isOpened():
            raise UserError(f'there is no camera number {device} that can be opened', field='webcam',
                            remedy='check that it is plugged in and not in use, or give another number')
        self.fps = _frames_per_second(self._capture)

    def frames(self, report: Report) -> Iterator[Frame]:
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
            report(UserError(f'camera number {self.device} gives no image', field='webcam',
                             remedy='check that it is not in use'))


def open_sources(inputs: Input | Sequence[Input]) -> list[Source]:
    """The sources of everything that was named.

    Args:
        inputs: An image or video file, a folder (its images and videos, not those of folders inside it), a glob (``**``
            for all folders below), 'webcam:N' or N for a camera, an image array, or a sequence of these.

    Raises:
        UserError: Something does not exist, a folder or glob holds no image, an array is none, or nothing was given.
    """
    items = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    expanded = [one for item in items for one in _expand(item)]
    if not expanded:
        raise UserError('there is no input', field='inputs', remedy='name an image, a folder or a video')
    return [_source(item, name) for item, name in zip(expanded, unique_names([_stem(item) for item in expanded]))]


def unique_names(paths: Sequence[Path]) -> list[str]:
    """A name for each path that no other has: its stem, with as many folders before it as it takes, else a number.

    Example:
        >>> from pathlib import Path
        >>> unique_names([Path('a/x.jpg'), Path('b/x.jpg'), Path('b/y.jpg'), Path('b/y.png')])
        ['a_x', 'b_x', 'y.jpg', 'y.png']
    """
    names = [path.stem for path in paths]
    if _all_differ(names):
        return names
    depths = [0] * len(paths)
    for _ in range(max(len(path.parts) for path in paths)):
        for row in _repeated(names):
            depths[row] += 1
            folders = [part for part in paths[row].parts[:-1][-depths[row]:] if part not in ('/', '.', '..')]
            names[row] = '_'.join([*folders, paths[row].stem])
    for row in _repeated(names):  # the same folder, another suffix
        names[row] = paths[row].name
    taken: set[str] = set()
    for row, name in enumerate(names):  # the very same file
        number = 2
        while names[row].casefold() in taken:
            names[row] = f'{name}_{number}'
            number += 1
        taken.add(names[row].casefold())
    return names


def _repeated(names: list[str]) -> list[int]:
    """Rows whose name another row has too; letters' case does not make two names on every file system."""
    counts = Counter(name.casefold() for name in names)
    return [row for row, name in enumerate(names) if counts[name.casefold()] > 1]


def _all_differ(names: list[str]) -> bool:
    return len({name.casefold() for name in names}) == len(names)


def _expand(item: Input) -> list[Input]:
    """Files, camera numbers and arrays of one thing that was named."""
    if isinstance(item, np.ndarray) or (isinstance(item, int) and not isinstance(item, bool)):
        return [item]
    if not isinstance(item, (str, Path)):
        raise UserError(f'{type(item).__name__} is no input', field='inputs',
                        remedy='name an image, a folder or a video, or give an array')
    text, path = str(item), Path(item)
    if path.is_dir():
        return _folder(path)
    if path.exists():
        return [text]
    webcam = _WEBCAM.fullmatch(text.lower())
    if webcam or text.isdecimal():
        return [int(webcam[1] or 0) if webcam else int(text)]
    if glob.has_magic(text):
        found = sorted(one for one in glob.glob(text, recursive=True) if Path(one).is_file())
        known = [one for one in found if Path(one).suffix.lower() in IMAGE_SUFFIXES + VIDEO_SUFFIXES]
        if not known:
            raise UserError(f'it matches {len(found)} files, and none is an image or a video' if found else
                            'it matches no file', file=text, field='inputs', remedy='check the pattern')
        return known
    raise UserError('there is no such file or folder', file=text, field='inputs', remedy='check the path')


def _folder(folder: Path) -> list[str]:
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith('.'))
    except OSError as error:
        raise UserError(f'the folder cannot be read: {error.strerror}', file=folder, field='inputs',
                        remedy='check its rights') from error
    known = [str(path) for path in files if path.suffix.lower() in IMAGE_SUFFIXES + VIDEO_SUFFIXES]
    if not known:
        raise UserError(f'there is no image or video in this folder ({len(files)} other files)', file=folder,
                        field='inputs', remedy=f"for those of the folders inside it give '{folder}/**'")
    return known


def _stem(item: Input) -> Path:
    if isinstance(item, np.ndarray):
        return Path('array')
    return Path(f'webcam{item}') if isinstance(item, int) else Path(item)


def _source(item: Input, name: str) -> Source:
    if isinstance(item, np.ndarray):
        return ImageSource(name, array=item)
    if isinstance(item, int):
        return WebcamSource(name, item)
    kind = VideoSource if Path(item).suffix.lower() in VIDEO_SUFFIXES else ImageSource
    return kind(name, item)


def _frames_per_second(capture: cv2.VideoCapture) -> float:
    fps = capture.get(cv2.CAP_PROP_FPS)
    return fps if math.isfinite(fps) and 0 < fps <= 1000 else _UNKNOWN_FPS
