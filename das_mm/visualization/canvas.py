"""Anti-aliased drawing on uint8 BGR images at sub-pixel positions; whatever lies outside the image is left out.

Positions are pixels with the origin at the centre of the top-left pixel, which is OpenCV's own convention. All
functions draw in place; colours are BGR.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import distribution

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]

_SHIFT = 4  # OpenCV's fixed-point positions: 1/16 px
_FAR_PX = 1e6  # beyond this nothing can touch an image, and fixed point would overflow


def clip_segment(
    start: np.ndarray, end: np.ndarray, width: int, height: int, margin: float = 0.0
) -> tuple[np.ndarray, np.ndarray] | None:
    """The part of a segment inside the image grown by ``margin`` px on each side (Liang and Barsky), or ``None``."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        return None
    step = end - start
    low, high = 0.0, 1.0
    for axis, size in enumerate((width, height)):
        first, last = -0.5 - margin - start[axis], size - 0.5 + margin - start[axis]
        if step[axis] == 0:
            if first > 0 or last < 0:
                return None
            continue
        enter, leave = sorted((first / step[axis], last / step[axis]))
        low, high = max(low, enter), min(high, leave)
        if low > high:
            return None
    return start + low * step, start + high * step


def _fixed(point: Sequence[float] | np.ndarray) -> tuple[int, int]:
    return round(float(point[0]) * (1 << _SHIFT)), round(float(point[1]) * (1 << _SHIFT))


def draw_segment(image: np.ndarray, start: np.ndarray, end: np.ndarray, color: Color, thickness: int) -> None:
    """A straight line of ``thickness`` px."""
    clipped = clip_segment(start, end, image.shape[1], image.shape[0], margin=2 * thickness)
    if clipped is not None:
        cv2.line(image, _fixed(clipped[0]), _fixed(clipped[1]), color, thickness, cv2.LINE_AA, _SHIFT)


def draw_dashed(
    image: np.ndarray, start: np.ndarray, end: np.ndarray, color: Color, thickness: int, dash_px: float
) -> None:
    """A line of dashes of ``dash_px``, with gaps two thirds as long."""
    clipped = clip_segment(start, end, image.shape[1], image.shape[0], margin=2 * thickness)
    if clipped is None:
        return
    first, last = clipped
    length = float(np.linalg.norm(last - first))
    direction = (last - first) / max(length, 1e-9)
    for begin in np.arange(0.0, max(length, 1e-9), dash_px * 5 / 3):
        draw_segment(
            image, first + direction * begin, first + direction * min(begin + dash_px, length), color, thickness
        )


def draw_disc(image: np.ndarray, center: np.ndarray, radius: float, color: Color, thickness: int = -1) -> None:
    """A filled disc, or a ring of ``thickness`` px."""
    draw_ellipse(image, center, (radius, radius), color, thickness)


def draw_ellipse(
    image: np.ndarray, center: np.ndarray, radii: Sequence[float] | np.ndarray, color: Color, thickness: int = 1
) -> None:
    """An ellipse with axes along x and y, filled when ``thickness`` is -1; nothing for radii that are not finite."""
    if not (np.isfinite(center).all() and np.isfinite(radii).all()):
        return
    if max(np.abs(center).max(), max(radii)) > _FAR_PX or not touches(image, center, max(radii) + max(thickness, 0)):
        return
    cv2.ellipse(image, _fixed(center), _fixed(radii), 0, 0, 360, color, thickness, cv2.LINE_AA, _SHIFT)


def diagonal_px(image: np.ndarray) -> float:
    """Length of the image's diagonal, by which marks and text are sized."""
    return math.hypot(*image.shape[:2])


def touches(image: np.ndarray, center: np.ndarray, radius: float = 0.0) -> bool:
    """Whether a disc about ``center`` covers any pixel of the image."""
    height, width = image.shape[:2]
    return bool(
        -0.5 - radius <= center[0] <= width - 0.5 + radius and -0.5 - radius <= center[1] <= height - 0.5 + radius
    )


def draw_box(image: np.ndarray, box: np.ndarray, color: Color, thickness: int) -> None:
    """The outline of x1, y1, x2, y2."""
    x1, y1, x2, y2 = (float(v) for v in box)
    corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
    for start, end in zip(corners, np.roll(corners, -1, axis=0)):
        draw_segment(image, start, end, color, thickness)


def blend_mask(image: np.ndarray, mask: np.ndarray, color: Color, opacity: float) -> None:
    """Tint the pixels of a bool mask (H, W)."""
    image[mask] = np.round((1 - opacity) * image[mask] + opacity * np.asarray(color)).astype(np.uint8)


@lru_cache(maxsize=32)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    # DejaVu comes with matplotlib, so text looks the same on every machine and knows σ, ° and ×; the package itself,
    # which takes seconds to load, is not needed for it
    font = distribution('matplotlib').locate_file('matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf')
    return ImageFont.truetype(str(font), size_px)


def text_size(text: str, size_px: int) -> tuple[int, int]:
    """Width and height of a label in px, its padding included."""
    left, _, right, _ = _font(size_px).getbbox(text)
    padding = max(2, size_px // 4)
    return int(right - left) + 2 * padding, round(size_px * 1.2) + padding


def draw_text(
    image: np.ndarray,
    text: str,
    top_left: tuple[int, int],
    size_px: int,
    color: Color = (255, 255, 255),
    background: Color | None = (20, 20, 20),
    opacity: float = 0.75,
) -> tuple[int, int, int, int]:
    """A one-line label, moved so that it stays inside the image (cut off only when it is larger than the image).

    Returns:
        The box x1, y1, x2, y2 (end exclusive) it covers.
    """
    height, width = image.shape[:2]
    label_width, label_height = (min(a, b) for a, b in zip(text_size(text, size_px), (width, height)))
    x = int(np.clip(top_left[0], 0, width - label_width))
    y = int(np.clip(top_left[1], 0, height - label_height))
    patch = image[y : y + label_height, x : x + label_width]
    if background is not None:
        patch[:] = np.round((1 - opacity) * patch + opacity * np.asarray(background)).astype(np.uint8)
    ink = Image.new('L', (label_width, label_height), 0)
    ImageDraw.Draw(ink).text((max(2, size_px // 4), label_height / 2), text, fill=255, font=_font(size_px), anchor='lm')
    alpha = np.asarray(ink, dtype=np.float32)[..., None] / 255
    patch[:] = np.round((1 - alpha) * patch + alpha * np.asarray(color)).astype(np.uint8)
    return x, y, x + label_width, y + label_height
