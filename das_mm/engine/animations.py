"""Images that are short films: animated GIF, WebP, PNG and AVIF files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from das_mm.errors import UserError

from .image_files import turn_upright
from .image_header import check_image_size, image_header, pillow_image, read_header
from .regular_files import open_regular

_LOOKED_AT_BYTES = 4096
_UNSAID_MS = 100.0  # as browsers show a frame of no duration


def is_animated(path: str | Path) -> bool:
    """Whether it is an image of several frames that follow each other; False for what cannot be read. One small read
    for most files."""
    try:
        with open_regular(path) as stream:
            begin = stream.read(_LOOKED_AT_BYTES)
        return _may_be_animated(begin) and image_header(path).has_more
    except (UserError, OSError):
        return False


def count_frames(path: str | Path) -> int:
    """How many frames an animated image has.

    Raises:
        UserError: It cannot be read.
    """
    with open_regular(path) as stream:
        read_header(stream, path)
        stream.seek(0)
        with _told(path), pillow_image(stream) as image:
            return getattr(image, 'n_frames', 1)


def animation_frames(path: str | Path) -> Iterator[tuple[np.ndarray, float]]:
    """Frame after frame, as a viewer shows them: (H, W, 3) uint8 BGR upright, and how long it stays, ms.

    Raises:
        UserError: It cannot be read, or not beyond the frames that were given.
    """
    with open_regular(path) as stream:
        header = read_header(stream, path)
        stream.seek(0)
        with _told(path):
            image = pillow_image(stream)
        with image:
            for number in range(getattr(image, 'n_frames', 1)):
                with _told(path, number):
                    image.seek(number)
                    pixels = np.asarray(image.convert('RGB'))[..., ::-1]
                    stays_ms = float(image.info.get('duration') or _UNSAID_MS)
                height, width = pixels.shape[:2]
                check_image_size((width, height), path)
                yield turn_upright(pixels, header.orientation), stays_ms


class _told:
    """Whatever Pillow raises of a damaged file, as an error that a user reads."""

    def __init__(self, path: str | Path, number: int = 0):
        self.path, self.number = path, number

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, UserError):
            raise UserError(
                f'frame {self.number} cannot be decoded ({error}); nothing behind it is read',
                file=self.path,
                remedy='give a whole file',
            ) from error


def _may_be_animated(begin: bytes) -> bool:
    if begin[:4] == b'RIFF' and begin[8:16] == b'WEBPVP8X':
        return bool(begin[20] & 2) if len(begin) > 20 else False
    if begin[:4] == b'\x89PNG':
        return b'acTL' in begin
    return begin[:4] == b'GIF8' or begin[4:12] == b'ftypavis'
