"""Any image as the network and the overlays want it: (H, W, 3) uint8 BGR, upright."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from das_mm.engine import image_files
from das_mm.errors import UserError

_REMEDY = 'give a whole image file, such as .jpg or .png'


def read_image(path: str | Path) -> np.ndarray:
    """An image file as (H, W, 3) uint8 BGR, turned upright; see :func:`das_mm.engine.image_files.read_image`."""
    return image_files.read_image(path, upright=True)


def picture_as_bgr(picture: Image.Image) -> np.ndarray:
    """An image of Pillow as (H, W, 3) uint8 BGR, turned upright as its EXIF orientation says.

    Raises:
        UserError: It is of a file that is damaged or was closed, or its type has no range that is known.
    """
    try:
        picture = ImageOps.exif_transpose(picture)
        if picture.mode.startswith('I;16'):
            return as_bgr(np.asarray(picture).astype(np.uint16))
        if picture.mode in ('I', 'F'):
            raise UserError(
                f'the range of an image of mode {picture.mode} is not known',
                field='inputs',
                remedy="convert it to 'RGB'",
            )
        return as_bgr(np.asarray(picture.convert('RGB'))[..., ::-1])
    except (OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f'the image cannot be read: {error}', field='inputs', remedy=_REMEDY) from error


def as_bgr(array: np.ndarray) -> np.ndarray:
    """An image array as (H, W, 3) uint8 BGR.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA; uint8 or uint16 (whose full range is 65535).

    Raises:
        UserError: Another shape, another type, or no pixel.
    """
    remedy = 'give (height, width, 3) uint8 in BGR order, as cv2.imread does'
    channels = 1 if array.ndim == 2 else array.shape[2] if array.ndim == 3 else 0
    if channels not in (1, 3, 4) or array.size == 0:
        raise UserError(f'an array of shape {array.shape} is no image', field='inputs', remedy=remedy)
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise UserError(f'an array of type {array.dtype} is no image', field='inputs', remedy=remedy)
    if channels == 1:
        return cv2.cvtColor(np.ascontiguousarray(array).reshape(array.shape[:2]), cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(array[..., :3])
