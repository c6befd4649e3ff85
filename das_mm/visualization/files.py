"""Writing pictures: whole or not at all, and with an error that names the path."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from das_mm.engine import atomic_write
from das_mm.errors import UserError


def save_image(path: str | Path, image_bgr: np.ndarray) -> Path:
    """Write an image (H, W, 3) uint8 BGR; the format follows the suffix of ``path`` (.png, .jpg, …).

    Raises:
        UserError: OpenCV knows no format of that suffix, or the path cannot be written.
    """
    suffix = Path(path).suffix.lower()
    try:
        done, buffer = cv2.imencode(suffix, np.ascontiguousarray(image_bgr))
    except cv2.error:
        done = False
    if not done:
        raise UserError(
            f'the suffix {suffix!r} is no image format that can be written',
            file=path,
            remedy='end the file name in .png or .jpg',
        )
    atomic_write(path, buffer.tobytes())
    return Path(path)
