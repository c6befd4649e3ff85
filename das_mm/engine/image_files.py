"""Image files as pixels, by one rule for training and inference; and what is wrong with them, in words."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from das_mm.errors import UserError

from .image_header import ImageHeader, pillow_image, read_header
from .regular_files import open_regular

# the mark that ends a complete file, by the mark that begins it
_END_MARKS = {b'\xff\xd8': b'\xff\xd9', b'\x89P': b'IEND'}
_TAIL_BYTES = 4096  # end marks are looked for here; cameras may append a little after them
_MAX_BYTES = 1 << 31
_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
_REMEDY = 'give a whole image file, such as .jpg or .png'

# EXIF's numbers: what turns the pixels as stored (H, W, …) upright
_UPRIGHT = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}


def read_image(path: str | Path, upright: bool) -> np.ndarray:
    """Read an image file.

    Grey becomes colour, 16 bits become 8 (the full range is kept, not stretched), an alpha channel is dropped. Of
    several frames or pages the first is read.

    Args:
        path: The file.
        upright: Turn it as its EXIF orientation says, as viewers show it; else it stays as it is stored, which the
            labels of data sets lie on. One rule for every kind of file; the orientation of a TIFF is part of how it is
            stored, for every reader applies it.

    Returns:
        (H, W, 3) uint8 BGR.

    Raises:
        UserError: The file is missing, no image, damaged, or larger than
            :data:`~das_mm.engine.image_header.MAX_IMAGE_PIXELS`. A JPEG that was cut short is refused too: decoders
            fill its missing part with grey and say nothing.
    """
    with open_regular(path) as stream:
        _readable_header(stream, path)  # before all of a large file that is no image is read
        if os.fstat(stream.fileno()).st_size > _MAX_BYTES:
            raise UserError('its file has more than 2 GB', file=path, remedy='write it as a compressed image')
        stream.seek(0)
        data = stream.read()
    return decode_image(data, path, upright)


def decode_image(data: bytes, path: str | Path, upright: bool) -> np.ndarray:
    """(H, W, 3) uint8 BGR of the bytes of an image file, as :func:`read_image`; ``path`` is for the message."""
    header = _readable_header(io.BytesIO(data), path)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), _FLAGS)
    except cv2.error as error:
        raise UserError(f'it cannot be decoded: {error.err}', file=path, remedy=_REMEDY) from error
    if image is None or not _ends_well(data[:2], data[-_TAIL_BYTES:]):
        fault, decoded = _decoded_by_pillow(data)
        if fault is not None:
            raise UserError(fault, file=path, remedy=_REMEDY)
        image = decoded if image is None else image
    assert image is not None  # there is no fault
    return turn_upright(image, header.orientation if upright else 1)


def turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels (H, W, …) as they are stored, turned as EXIF's number, 1 to 8, says; contiguous."""
    turn = _UPRIGHT.get(orientation)
    return np.ascontiguousarray(pixels if turn is None else turn(pixels))


def looks_complete(path: str | Path) -> bool:
    """Whether the file ends as a JPEG or PNG must; True for other kinds. Two small reads, no decoding.

    Decoders fill the missing part of a cut JPEG with grey and say nothing, so it must be looked for. False means
    "look closer" (:func:`image_fault`), e.g. for a phone's picture with a video behind it.

    Raises:
        OSError: The file cannot be read.
    """
    with open(path, 'rb') as stream:
        begin = stream.read(2)
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - _TAIL_BYTES))
        return _ends_well(begin, stream.read(_TAIL_BYTES))


def image_fault(path: str | Path) -> str | None:
    """Decodes the file wholly and says what is wrong with it, None if nothing."""
    if not os.path.exists(path):
        return 'the file does not exist'
    try:
        with open_regular(path) as stream:
            header = read_header(stream, path)
            if header.fault is not None:
                return header.fault
            stream.seek(0)
            fault, _ = _decoded_by_pillow(stream.read())
    except UserError as error:
        return error.problem
    return fault


def _readable_header(stream: BinaryIO, path: str | Path) -> ImageHeader:
    header = read_header(stream, path)
    if header.fault is not None:
        raise UserError(header.fault, file=path, remedy='store it with 8 or 16 bits a channel')
    return header


def _ends_well(begin: bytes, end: bytes) -> bool:
    return _END_MARKS.get(begin, b'') in end


def _decoded_by_pillow(data: bytes) -> tuple[str | None, np.ndarray | None]:
    """What is wrong with an image, None if nothing, and its pixels (H, W, 3) BGR of kinds that OpenCV does not know."""
    try:
        with pillow_image(io.BytesIO(data)) as picture:
            picture.load()
            if picture.mode.startswith('I;16'):
                grey = (np.asarray(picture).astype(np.uint16) >> 8).astype(np.uint8)
                return None, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
            return None, np.asarray(picture.convert('RGB'))[..., ::-1]
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error… on broken files
        return f'the file cannot be decoded ({error})', None
