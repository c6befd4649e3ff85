"""What the first bytes of an image file say: kind, size, the way up. No pixel is decoded.

Every image of the package passes here first, so the limit on sizes is one: a picture of a few hundred bytes can say
that it has billions of pixels.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, TiffImagePlugin

from das_mm.errors import UserError

from .regular_files import open_regular

MAX_IMAGE_PIXELS = 1 << 28  # 800 MB as colours; the largest sensors of phones have 200 million

# kinds that are pixels and nothing else: Pillow would start other programs for some of its kinds
_PILLOW_KINDS = ('JPEG', 'WEBP', 'GIF', 'BMP', 'DIB', 'JPEG2000', 'PPM', 'AVIF', 'MPO', 'SGI', 'PCX', 'TGA', 'SUN')
_ORIENTATION = 274  # of EXIF and TIFF
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the number of the type of colour
_DEFLATE_AT_BEST = 1032
_PNG_MARK, _TIFF_MARKS = b'\x89PNG\r\n\x1a\n', (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
_REMEDY = 'give a whole image file, such as .jpg or .png'


@dataclass(frozen=True)
class ImageHeader:
    """
    Attributes:
        kind: 'JPEG', 'PNG', 'TIFF', … as Pillow calls it.
        size: (width, height) px as stored, before EXIF turns it. A TIFF's own orientation is part of how it is stored:
            every reader applies it.
        orientation: EXIF's number, 1 (upright) to 8.
        has_more: There are further frames or pages behind the first.
        fault: Why the pixels cannot be shown though they can be decoded; None if they can.
        least_bytes: No file of fewer bytes can hold the pixels.
    """

    kind: str
    size: tuple[int, int]
    orientation: int = 1
    has_more: bool = False
    fault: str | None = None
    least_bytes: int = 0

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) px as shown."""
        width, height = self.size
        return (width, height) if self.orientation < 5 else (height, width)


def image_header(path: str | Path) -> ImageHeader:
    """The header of an image file.

    Raises:
        UserError: It is no file, no image, or an image of more than :data:`MAX_IMAGE_PIXELS`.
    """
    with open_regular(path) as stream:
        return read_header(stream, path)


def read_header(stream: BinaryIO, path: str | Path) -> ImageHeader:
    """The header of an image file that is open; see :func:`image_header`, ``path`` is for the message."""
    try:
        mark = stream.read(8)
        stream.seek(0)
        if mark == _PNG_MARK:
            header = _png_header(stream)
        elif mark[:4] in _TIFF_MARKS:
            header = _tiff_header(stream)
        else:
            with pillow_image(stream) as image:
                header = _pillow_header(image)
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error… on broken files
        reason = error if isinstance(error, UnknownKind) else f'its header is damaged: {error}'
        raise UserError(f'it is no image: the file cannot be decoded ({reason})', file=path, remedy=_REMEDY) from error
    check_image_size(header.size, path)
    if stream.seek(0, 2) < header.least_bytes:
        width, height = header.size
        problem = f'the file cannot be decoded (it is cut short: too few bytes for {width}×{height} px)'
        raise UserError(problem, file=path, remedy=_REMEDY)
    return header


def check_image_size(size: tuple[int, int], path: str | Path) -> None:
    """
    Raises:
        UserError: An image or video of (width, height) px is not worth trying: it has no pixel, or too many.
    """
    width, height = size
    if width < 1 or height < 1:
        raise UserError(f'it says that it is {width}×{height} px', file=path, remedy=_REMEDY)
    if width * height > MAX_IMAGE_PIXELS:
        raise UserError(
            f'it says that it is {width}×{height} px, {width * height / 1e6:.0f} million; '
            f'{MAX_IMAGE_PIXELS / 1e6:.0f} million are allowed',
            file=path,
            remedy='make it smaller',
        )


class UnknownKind(ValueError):
    """The file begins as no kind of image that is read."""


def pillow_image(stream: BinaryIO) -> Image.Image:
    """The image of Pillow, not decoded yet, of a kind that is read here; the limit on its size is ours.

    Raises:
        UnknownKind: It is none of these. What Pillow raises of damaged files, in many kinds.
    """
    Image.init()
    prefix = stream.read(16)
    for kind in (*_PILLOW_KINDS, 'PNG', 'TIFF'):
        if kind not in Image.OPEN:  # this Pillow was built without
            continue
        factory, accepts = Image.OPEN[kind]
        accepted = accepts is None or accepts(prefix)  # or what it was built without, in words
        if accepted and not isinstance(accepted, str):
            stream.seek(0)
            try:
                return factory(stream, '')
            except (SyntaxError, TypeError, IndexError, KeyError, struct.error):  # another kind, as Pillow does
                continue
    raise UnknownKind('no known image format')


def _pillow_header(image: Image.Image) -> ImageHeader:
    exif = Image.Exif()
    exif.load(image.info.get('exif') or b'')
    several = image.format in ('GIF', 'WEBP', 'AVIF') and getattr(image, 'is_animated', False)
    fault = _FLOAT if image.mode == 'F' else None
    return ImageHeader(str(image.format), image.size, _orientation(exif.get(_ORIENTATION)), several, fault)


def _png_header(stream: BinaryIO) -> ImageHeader:
    """By its own chunks: Pillow decodes the whole image to look for EXIF data behind the pixels."""
    size, orientation, animated, least_bytes = None, 1, False, 0
    for kind, length in _png_chunks(stream):
        if kind == b'IHDR':
            *size, bits, color = struct.unpack('>IIBB', stream.read(10))
            size, row_bytes = (size[0], size[1]), 1 + size[0] * bits * _PNG_CHANNELS.get(color, 1) // 8
            least_bytes = size[1] * row_bytes // _DEFLATE_AT_BEST
        elif kind == b'acTL':
            animated = struct.unpack('>I', stream.read(4))[0] > 1
        elif kind == b'eXIf' and length < 1 << 20:
            exif = Image.Exif()
            try:
                exif.load(stream.read(length))
                orientation = _orientation(exif.get(_ORIENTATION))
            except Exception:  # a photograph with damaged EXIF is as good as one without
                orientation = 1
    if size is None:
        raise ValueError('it has no size')
    return ImageHeader('PNG', size, orientation, animated, least_bytes=least_bytes)


def _png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Kind and length of each chunk; the stream stands at its content then.

    Raises:
        ValueError: A chunk says that it is longer than the file: OpenCV would take memory for all of it.
    """
    place, size_bytes = len(_PNG_MARK), stream.seek(0, 2)
    while True:
        stream.seek(place)
        begin = stream.read(8)
        if len(begin) < 8 or begin[4:] == b'IEND':
            return
        length = int.from_bytes(begin[:4], 'big')
        if place + 8 + length > size_bytes:
            raise ValueError('it is truncated')
        yield begin[4:], length
        place += 12 + length


def _tiff_header(stream: BinaryIO) -> ImageHeader:
    """By its tags: Pillow knows not all that OpenCV decodes."""
    begin = stream.read(8)
    if 43 in begin[2:4]:  # BigTIFF
        begin += stream.read(8)
    tags = TiffImagePlugin.ImageFileDirectory_v2(begin)
    stream.seek(tags.next)
    tags.load(stream)
    width, height = int(tags[256]), int(tags[257])
    size = (width, height) if _orientation(tags.get(_ORIENTATION)) < 5 else (height, width)
    formats, bits = (_as_tuple(tags.get(tag, 1)) for tag in (339, 258))
    fault = None
    if any(one == 3 for one in formats):
        fault = _FLOAT
    elif any(one not in (1, 4) for one in formats) or any(one not in (1, 2, 4, 8, 16) for one in bits):
        fault = f'its pixels are numbers of {max(bits)} bits, whose range is not known'
    return ImageHeader('TIFF', size, has_more=tags.next != 0, fault=fault)


_FLOAT = 'its pixels are floating-point numbers, whose range is not known'


def _as_tuple(value: object) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def _orientation(told: object) -> int:
    return told if isinstance(told, int) and 1 <= told <= 8 else 1
