"""Whether the images of a file are there, whole, and as large as the file says."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from das_mm.engine.image_header import image_header
from das_mm.errors import UserError

from ..annotations.file_names import absence_hint
from ..converters.base import image_size
from ..datasets import image_fault, looks_complete
from .findings import Findings, Kind

_THREADS = 8  # they wait for the disk


def check_images(
    images: list[dict], folder: str | Path, findings: Findings, advance: Callable[[], None] = lambda: None
) -> None:
    """Adds a warning for each kind of trouble; reads headers and ends of files, and decodes only what looks cut.

    Args:
        images: Entries with ``id``, ``file_name``, ``width``, ``height``.
        folder: Where file names begin.
        advance: Called once an image.

    Raises:
        UserError: There is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(
            'there is no such folder',
            file=folder,
            field='--images',
            remedy='give the folder that file_name is relative to',
        )
    absent: list[str] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for image, found in zip(images, pool.map(lambda image: _trouble(folder, image), images)):
            if found is not None:
                kind, detail = found
                findings.warn(kind, [f'image id {image["id"]}, {image["file_name"]}{detail}'])
                if kind is _MISSING:
                    absent.append(image['file_name'])
            advance()
    names = set(absent)
    hint = absence_hint(folder, absent, [image['file_name'] for image in images if image['file_name'] not in names])
    if hint:
        findings.warn(_HINT, [hint], len(absent))


def _trouble(folder: Path, image: dict) -> tuple[Kind, str] | None:
    path = folder / image['file_name']
    if not os.path.isfile(path):
        return _MISSING, ''
    size = image_size(path)
    try:
        fault = None if size is not None and looks_complete(str(path)) else image_fault(str(path))
    except OSError as error:
        fault = error.strerror
    if fault is not None:
        return _UNREADABLE, f': {fault}'
    if size is None:
        return None
    orientation = image_header(path).orientation
    if size != (image['width'], image['height']):
        turned = f'; its EXIF orientation is {orientation}' if orientation != 1 else ''
        return _OTHER_SIZE, f': {size[0]}x{size[1]}, not {image["width"]:g}x{image["height"]:g}{turned}'
    return None if orientation == 1 else (_TURNED, f': orientation {orientation}')


_MISSING = Kind(
    'images.file_name',
    'names a file that does not exist',
    'it is left out of a training, and counts as empty in a test',
    'check --images, copy the file, or remove the entry and its annotations',
)
_HINT = Kind(
    'images.file_name',
    'differ a little from the names of files that are there',
    'the files were renamed, or the names were written on another system',
    'write the names as the files are called, or rename the files',
)
_UNREADABLE = Kind(
    'images.file_name',
    'names a file that cannot be read',
    'it is left out of a training, and counts as empty in a test',
    'copy the file again',
)
_OTHER_SIZE = Kind(
    'images.width, height',
    'are not the size of the file',
    'keypoints, boxes and K belong to another size of the image: it is left out of a training',
    'use the original images, or scale keypoints, boxes and K with them; width and height are those of the pixels as '
    'they are stored, not as EXIF turns them',
)
_TURNED = Kind(
    'images.file_name',
    'names a file that viewers turn (EXIF orientation)',
    'the labels are taken to lie on the pixels as they are stored, which a training sees unturned',
    'if they were drawn on the turned picture, store its pixels turned and without the tag (ImageOps.exif_transpose '
    'of Pillow, mogrify -auto-orient)',
)
