"""What a user names (files, addresses, folders, globs, images, videos, webcams) as sources of image after image."""

from __future__ import annotations

import glob
import os
import re
import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from PIL.Image import Image

from das_mm.engine.animations import is_animated
from das_mm.engine.image_header import image_header
from das_mm.engine.ranks import Rank
from das_mm.engine.regular_files import check_regular
from das_mm.engine.video_files import open_video
from das_mm.errors import UserError

from .downloads import download, is_url, name_of_url
from .image_io import picture_as_bgr
from .sources import AnimationSource, ImageSource, Source, VideoSource, WebcamSource

IMAGE_SUFFIXES = (
    '.jpg',
    '.jpeg',
    '.png',
    '.bmp',
    '.webp',
    '.tif',
    '.tiff',
    '.jp2',
    '.pgm',
    '.ppm',
    '.gif',
    '.avif',
    '.apng',
)
VIDEO_SUFFIXES = (
    *('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv', '.flv', '.3gp', '.3g2', '.ts', '.mts'),
    *('.m2ts', '.vob', '.ogv', '.asf', '.mxf', '.f4v', '.divx'),
)

LIST_SUFFIX = '.txt'

_LONGEST_NAME_BYTES = 200  # file systems allow 255, with all that is put around a name
_WEBCAM = re.compile(r'webcam(?::(\d+))?')

Input = str | Path | int | np.ndarray | Image


@dataclass(frozen=True)
class OpenedInputs:
    """The sources of a run, or of one of the processes that share it.

    Attributes:
        sources: Of this process.
        rows: Their places among all.
        total: How many there are in all.
    """

    sources: list[Source]
    rows: list[int]
    total: int


def open_sources(inputs: Input | Sequence[Input]) -> list[Source]:
    """The sources of everything that was named; see :func:`open_inputs`."""
    return open_inputs(inputs).sources


def open_inputs(inputs: Input | Sequence[Input], rank: Rank | None = None) -> OpenedInputs:
    """The sources of everything that was named, or of this process's share of it.

    Args:
        inputs: An image or video file, a folder (its images and videos, not those of folders inside it), a glob (``**``
            for all folders below), a list of these (``.txt``, one a line; what is not absolute lies beside the list;
            empty lines and those that begin with # are passed over), the address of a file (http or https; it is
            fetched now and kept as long as its source), 'webcam:N' or N for a camera, an image of Pillow, an image
            array, or a sequence of these.
        rank: One of several processes: videos are shared by their size, images in turn. All processes give the same
            names.

    Raises:
        UserError: Something does not exist or cannot be fetched, a folder or glob holds no image, an array is none, or
            nothing was given.
    """
    items: list[Any] = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    expanded = [one for item in items for one in _expand(item)]
    if not expanded:
        raise UserError('there is no input', field='inputs', remedy='name an image, a folder or a video')
    names = unique_names([_stem(item) for item in expanded])
    rows = [*range(len(expanded))] if rank is None else rank.share([_video_bytes(item) for item in expanded])
    return OpenedInputs([_source(expanded[row], names[row]) for row in rows], rows, len(expanded))


def _video_bytes(item: Input) -> int | None:
    """Size of a video file; None for what is none."""
    if not isinstance(item, (str, Path)) or Path(item).suffix.lower() not in VIDEO_SUFFIXES:
        return None
    return os.path.getsize(item) if os.path.isfile(item) else 0  # of an address nobody knows


def unique_names(paths: Sequence[Path]) -> list[str]:
    """A name for each path that no other has: its stem, with as many folders before it as it takes, else a number.

    Example:
        >>> from pathlib import Path
        >>> unique_names([Path('a/x.jpg'), Path('b/x.jpg'), Path('b/y.jpg'), Path('b/y.png')])
        ['a_x', 'b_x', 'y.jpg', 'y.png']
    """
    names = [path.stem for path in paths]
    depths = [0] * len(paths)
    for _ in range(max((len(path.parts) for path in paths), default=0)):
        repeated = _repeated(names)
        if not repeated:
            break
        for row in repeated:
            depths[row] += 1
            folders = [part for part in paths[row].parts[:-1][-depths[row] :] if part not in ('/', '.', '..')]
            names[row] = '_'.join([*folders, paths[row].stem])
    for row in _repeated(names):  # the same folder, another suffix
        names[row] = paths[row].name
    return _numbered([_writable(name) for name in names])


def _numbered(names: Sequence[str]) -> list[str]:
    """The second of a name and those behind it, of the very same file, with a number that makes them differ."""
    taken: set[str] = set()
    free: Counter[str] = Counter()  # numbers below are taken, by name
    told = []
    for name in names:
        key, one = name.casefold(), name
        while one.casefold() in taken:
            free[key] = max(free[key], 1) + 1
            one = f'{name}_{free[key]}'
        taken.add(one.casefold())
        told.append(one)
    return told


def _writable(name: str) -> str:
    """A name that any file system and program takes: what is invisible or no UTF-8 as %XX, of no absurd length."""
    plain = ''.join(one if one.isprintable() else quote(os.fsencode(one)) for one in name)
    return plain.encode()[:_LONGEST_NAME_BYTES].decode(errors='ignore')


def _repeated(names: list[str]) -> list[int]:
    """Rows whose name another row has too; letters' case does not make two names on every file system."""
    counts = Counter(name.casefold() for name in names)
    return [row for row, name in enumerate(names) if counts[name.casefold()] > 1]


def _expand(item: Input) -> list[Input]:
    """Files, camera numbers and arrays of one thing that was named."""
    if isinstance(item, (np.ndarray, Image)) or (isinstance(item, int) and not isinstance(item, bool)):
        return [item]
    if not isinstance(item, (str, Path)):
        raise UserError(
            f'{type(item).__name__} is no input',
            field='inputs',
            remedy='name an image, a folder or a video, or give an array or an image of Pillow',
        )
    text, path = str(item), Path(item)
    if is_url(text):
        return [text]
    if path.is_dir():
        return _folder(path)
    if path.exists():
        check_regular(path, field='inputs')
        if path.suffix.lower() == LIST_SUFFIX:
            return _listed(path)
        return [text]
    webcam = _WEBCAM.fullmatch(text.lower())
    if webcam or text.isdecimal():
        return [int(webcam[1] or 0) if webcam else int(text)]
    if glob.has_magic(text):
        found = sorted(one for one in glob.glob(text, recursive=True) if Path(one).is_file())
        known: list[Input] = [one for one in found if Path(one).suffix.lower() in IMAGE_SUFFIXES + VIDEO_SUFFIXES]
        if not known:
            raise UserError(
                f'it matches {len(found)} files, and none is an image or a video' if found else 'it matches no file',
                file=text,
                field='inputs',
                remedy='check the pattern',
            )
        return known
    raise UserError('there is no such file or folder', file=text, field='inputs', remedy='check the path')


def _folder(folder: Path) -> list[Input]:
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith('.'))
    except OSError as error:
        raise UserError(
            f'the folder cannot be read: {error.strerror}', file=folder, field='inputs', remedy='check its rights'
        ) from error
    known: list[Input] = [str(path) for path in files if path.suffix.lower() in IMAGE_SUFFIXES + VIDEO_SUFFIXES]
    if not known:
        raise UserError(
            f'there is no image or video in this folder ({len(files)} other files)',
            file=folder,
            field='inputs',
            remedy=f"for those of the folders inside it give '{folder}/**'",
        )
    return known


def _listed(path: Path) -> list[Input]:
    """What a list names, one a line."""
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f'the list cannot be read: {error}', file=path, field='inputs', remedy='check it') from error
    found: list[Input] = []
    for number, line in enumerate(lines, 1):
        item = line.strip()
        if not item or item.startswith('#'):
            continue
        beside = item if is_url(item) else str(path.parent / item)
        if beside.lower().endswith(LIST_SUFFIX):
            problem = f'line {number} names a list: {item}'
            raise UserError(problem, file=path, field='inputs', remedy='name images, videos and folders in a list')
        found += _expand(beside)
    if not found:
        raise UserError('the list names nothing', file=path, field='inputs', remedy='write one input a line')
    return found


def _stem(item: Input) -> Path:
    if isinstance(item, np.ndarray):
        return Path('array')
    if isinstance(item, Image):
        return Path(getattr(item, 'filename', '') or 'image')
    if isinstance(item, int):
        return Path(f'webcam{item}')
    return Path(name_of_url(item)) if isinstance(item, str) and is_url(item) else Path(item)


def _source(item: Input, name: str) -> Source:
    if isinstance(item, np.ndarray):
        return ImageSource(name, array=item)
    if isinstance(item, int):
        return WebcamSource(name, item)
    if isinstance(item, Image):
        return ImageSource(name, array=picture_as_bgr(item))
    file = str(item)
    return _downloaded(file, name) if is_url(file) else _file_source(file, name, file)


def _file_source(file: str, name: str, path: str) -> Source:
    suffix = Path(path).suffix.lower()
    if suffix in VIDEO_SUFFIXES or (suffix not in IMAGE_SUFFIXES and _is_video(path)):
        return VideoSource(name, file, path)
    return (AnimationSource if is_animated(path) else ImageSource)(name, file, path)


def _is_video(path: str) -> bool:
    """Of a file whose name does not say what it is."""
    try:
        image_header(path)
        return False
    except UserError:
        with suppress(UserError), open_video(path) as capture:
            return capture.isOpened() and capture.grab()
    return False


def _downloaded(url: str, name: str) -> Source:
    folder = tempfile.mkdtemp(prefix='das_mm_')
    try:
        source = _file_source(url, name, str(download(url, folder)))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(source, shutil.rmtree, folder, ignore_errors=True)
    return source
