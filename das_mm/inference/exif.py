"""The focal length that a photograph itself tells (EXIF), as intrinsics of the image as it is shown."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from das_mm.engine.image_header import pillow_image
from das_mm.engine.regular_files import open_regular
from das_mm.structures import default_intrinsics

# numbers of the EXIF standard
_EXIF_IFD, _FOCAL_MM, _FOCAL_35MM = 0x8769, 0x920A, 0xA405
_PLANE_RESOLUTION, _PLANE_UNIT, _PIXELS_X, _PIXELS_Y = 0xA20E, 0xA210, 0xA002, 0xA003
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # inch (the default), cm; mm and µm are written by some cameras

_FILM_DIAGONAL_MM = math.hypot(36, 24)
_SAME_RATIO = 0.02  # an image whose ratio of sides differs by more from the one told was cropped
_CREDIBLE_FOV_DEG = (2.0, 170.0)


def exif_intrinsics(path: str | Path, size: tuple[int, int]) -> tuple[np.ndarray, str] | None:
    """Intrinsics from the EXIF data of an image file.

    Either ``FocalLengthIn35mmFilm`` (the standard means the focal length that sees the same DIAGONAL on 36×24 mm film)
    or ``FocalLength`` with ``FocalPlaneXResolution``. Pixels are taken as square and the principal point as the image
    centre, so turning the image upright, as every reader of photographs does, changes nothing but ``size``.

    Args:
        path: The image file.
        size: (width, height) of the image as it was loaded, turned upright.

    Returns:
        K (3, 3) and the words that say which fields it is from; None where there is no focal length, where it is
        absurd, or where the image was cropped after it was taken (its ratio of sides is not the recorded one).
    """
    fields = _read_fields(path)
    width, height = _number(fields, _PIXELS_X), _number(fields, _PIXELS_Y)
    recorded = None if width is None or height is None else (width, height)
    if recorded is not None and not _same_ratio(size, recorded):
        return None
    for focal_px, words in (_from_35mm(fields, size), _from_plane(fields, size, recorded)):
        if focal_px is not None:
            fov_deg = math.degrees(2 * math.atan(max(size) / 2 / focal_px))
            if _CREDIBLE_FOV_DEG[0] <= fov_deg <= _CREDIBLE_FOV_DEG[1]:
                return default_intrinsics(*size, fov_deg), words
    return None


def _from_35mm(fields: dict, size: tuple[int, int]) -> tuple[float | None, str]:
    focal_mm = _number(fields, _FOCAL_35MM)
    if focal_mm is None:
        return None, ''
    return focal_mm * math.hypot(*size) / _FILM_DIAGONAL_MM, f'FocalLengthIn35mmFilm {focal_mm:g} mm'


def _from_plane(fields: dict, size: tuple[int, int], recorded: tuple[float, float] | None) -> tuple[float | None, str]:
    focal_mm, resolution = _number(fields, _FOCAL_MM), _number(fields, _PLANE_RESOLUTION)
    if focal_mm is None or resolution is None:
        return None, ''
    pixels_per_mm = resolution / _UNIT_MM.get(fields.get(_PLANE_UNIT, 2), _UNIT_MM[2])
    # the resolution is that of the image as it was taken; long sides, for it may have been turned since
    resized = 1 if recorded is None else max(size) / max(recorded)
    return (
        focal_mm * pixels_per_mm * resized,
        f'FocalLength {focal_mm:g} mm, FocalPlaneXResolution {pixels_per_mm:.4g} px/mm',
    )


def _same_ratio(size: tuple[int, int], recorded: tuple[float, float]) -> bool:
    return abs(max(size) / min(size) / (max(recorded) / min(recorded)) - 1) <= _SAME_RATIO


def _read_fields(path: str | Path) -> dict:
    """The EXIF fields of a file by number; empty if it has none that can be read."""
    try:
        with open_regular(path) as stream, pillow_image(stream) as image:
            return dict(image.getexif().get_ifd(_EXIF_IFD))
    except Exception:  # Pillow raises OSError, SyntaxError, ValueError, struct.error… on odd data; a photograph without
        return {}  # EXIF is as good as one with damaged EXIF


def _number(fields: dict, tag: int) -> float | None:
    """A positive finite number; cameras write 0 or 0/0 for what they do not know."""
    try:
        value = float(fields[tag])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) and value > 0 else None
