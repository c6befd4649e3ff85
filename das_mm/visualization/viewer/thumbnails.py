"""The images of a page, smaller the more there are."""

from __future__ import annotations

import base64

import cv2
import numpy as np

_BUDGET_BYTES = 16e6  # of the page, for all images
_BYTES_PER_PX = 0.25  # of a photograph as JPEG of quality 85, in base 64
_LEAST_PX = 200


def longer_side_px(num_images: int, wanted_px: int, image_size: tuple[int, int]) -> int:
    """The longer side of each image, so that all of them stay within what a page may weigh."""
    shape = min(image_size) / max(image_size)
    side = np.sqrt(_BUDGET_BYTES / max(num_images, 1) / _BYTES_PER_PX / shape)
    return int(min(wanted_px, max(side, _LEAST_PX)))


def jpeg_text(image_bgr: np.ndarray, longer_px: int) -> str:
    """The image as JPEG in base 64, (H, W, 3) uint8 made small."""
    scale = min(1.0, longer_px / max(image_bgr.shape[:2]))
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in image_bgr.shape[1::-1])
        image_bgr = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA)
    _, buffer = cv2.imencode('.jpg', image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return base64.b64encode(buffer.tobytes()).decode()
