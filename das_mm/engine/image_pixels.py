"""The pixels of an image file as they are stored: what the labels of the annotation format lie on.

A photograph's EXIF orientation says how to turn it for the eye; here it is left alone, for every kind of file. Only
TIFF's own orientation is part of how its pixels are stored: every reader applies it, Pillow's size of the file too.
"""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from das_mm.errors import UserError

_ORIENTATION = 0x0112  # of the EXIF standard
_REMEDY = 'give a whole image file, such as .jpg or .png'
_TIFF_MARKS = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
_UNKNOWN_RANGE = ('F', 'I')  # modes of Pillow: OpenCV would make them black or white


def read_stored_pixels(path: str | Path) -> np.ndarray:
    """(H, W, 3) uint8 BGR of an image file, not turned.

    Raises:
        UserError: The file is missing, no image, damaged, or of pixels whose range nobody knows.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f'the image cannot be read ({error.strerror or error})', file=path, remedy=_REMEDY) from None
    return decode_stored_pixels(data, path)


def decode_stored_pixels(data: bytes, file: str | Path | None = None) -> np.ndarray:
    """(H, W, 3) uint8 BGR of the bytes of an image file, not turned; grey becomes colour, 16 bits become 8.

    Args:
        data: What is in the file.
        file: Its name, for errors.

    Raises:
        UserError: As of :func:`read_stored_pixels`.
    """
    if data[:4] in _TIFF_MARKS:
        _refuse_unknown_range(data, file)
    try:
        # from memory: OpenCV's own opening of files dies of names that are not UTF-8
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is not None:
            return image
        with Image.open(io.BytesIO(data)) as picture:  # kinds that OpenCV does not know, such as GIF and AVIF
            return np.ascontiguousarray(np.asarray(picture.convert('RGB'))[..., ::-1])
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error… on broken files
        reason = 'no known image format' if 'cannot identify' in str(error) else error
        raise UserError(f'the file cannot be decoded ({reason})', file=file, remedy=_REMEDY) from None


def exif_orientation(path: str | Path) -> int:
    """How the stored pixels are to be turned for the eye, 1 to 8 of the EXIF standard; 1, not at all, without a tag.

    Raises:
        OSError: The file cannot be read, or is no image.
    """
    with Image.open(path) as image:
        if image.format == 'TIFF':
            return 1
        try:
            orientation = image.getexif().get(_ORIENTATION, 1)
        except Exception:  # damaged EXIF data, of which Pillow raises many kinds, say nothing
            return 1
    return orientation if orientation in range(1, 9) else 1


def _refuse_unknown_range(data: bytes, file: str | Path | None) -> None:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            mode = picture.mode
    except Exception:  # the decoder tells it
        return
    if mode in _UNKNOWN_RANGE:
        raise UserError(
            f'the range of an image of mode {mode} is not known',
            file=file,
            remedy='store it with 8 or 16 bits a channel',
        )
