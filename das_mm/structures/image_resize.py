"""An image resized to what a network takes, its ratio kept, with the map from the one to the other."""

from __future__ import annotations

import cv2
import numpy as np

SHRINK_INTERPOLATIONS = dict(area=cv2.INTER_AREA, bilinear=cv2.INTER_LINEAR)


def fitting_size(
    size: tuple[int, int],
    input_size: tuple[int, int] | None = None,
    short_side: int | None = None,
    max_long_side: int = 1333,
) -> tuple[int, int]:
    """(width, height) of an image of ``size`` resized to the greatest that fits.

    Either into ``input_size`` (width, height), or so that its short side is ``short_side`` and its long side at most
    ``max_long_side``.
    """
    if input_size is not None:
        scale = min(input_size[0] / size[0], input_size[1] / size[1])
    elif short_side is not None:
        scale = min(short_side / min(size), max_long_side / max(size))
    else:
        raise ValueError('give input_size or short_side')
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize_image(
    image: np.ndarray, size: tuple[int, int], shrink_interpolation: str = 'area'
) -> tuple[np.ndarray, np.ndarray]:
    """The image (H, W, 3) at ``size`` (width, height), and the map (2, 3) from its px to those of the result.

    Args:
        shrink_interpolation: 'area' takes every pixel of a larger image into account; 'bilinear' looks at two a side.
            What is enlarged is always interpolated linearly.
    """
    height, width = image.shape[:2]
    if size != (width, height):
        how = shrink_interpolation if size[0] < width else 'bilinear'
        image = cv2.resize(image, size, interpolation=SHRINK_INTERPOLATIONS[how])
    # rounding makes the two factors differ a little: the exact ones are used
    sx, sy = size[0] / width, size[1] / height
    return image, np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2]])
