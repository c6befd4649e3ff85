"""Labels beside people, each where it covers no other."""

from __future__ import annotations

import numpy as np

from . import canvas
from .palette import bgr, person_color

Box = tuple[int, int, int, int]

_DARK = 140  # luma below which white ink reads better


def tag_text_px(image: np.ndarray) -> int:
    """Size of the text of labels: it grows with the image."""
    return int(np.clip(round(canvas.diagonal_px(image) / 65), 9, 40))


def draw_tag(image: np.ndarray, text: str, extent: np.ndarray, identity: int, gap: float, taken: list[Box]) -> None:
    """A label in the colour of an identity: above, below, right or left of a person, the first that covers no other.

    Args:
        image: (H, W, 3) uint8, drawn on in place.
        text: Of the label.
        extent: x1, y1, x2, y2 of the person, px; what is out of the image does not count.
        identity: Chooses the colour.
        gap: Between person and label, px.
        taken: Boxes of the labels so far; that of this one is added.
    """
    size, color = tag_text_px(image), person_color(identity)
    ink = (255, 255, 255) if np.dot((0.299, 0.587, 0.114), color) < _DARK else (0, 0, 0)
    place = _free_place(image.shape, extent, canvas.text_size(text, size), gap, taken)
    taken.append(canvas.draw_text(image, text, place, size, ink, bgr(color), opacity=0.85))


def _free_place(
    shape: tuple[int, ...], extent: np.ndarray, label: tuple[int, int], gap: float, taken: list[Box]
) -> tuple[int, int]:
    """Top left of a label (width, height); above the person where no place is free."""
    (height, width), (label_width, label_height) = shape[:2], label
    x1, y1, x2, y2 = np.clip(extent, -0.5, [width, height, width, height])
    middle = (x1 + x2 - label_width) / 2
    places = [(middle, y1 - gap - label_height), (middle, y2 + gap), (x2 + gap, y1), (x1 - gap - label_width, y1)]
    inside = [
        (int(np.clip(x, 0, max(0, width - label_width))), int(np.clip(y, 0, max(0, height - label_height))))
        for x, y in places
    ]

    def is_free(place: tuple[int, int]) -> bool:
        box = (*place, place[0] + label_width, place[1] + label_height)
        return not any(_overlap(box, other) for other in taken)

    return next(filter(is_free, inside), inside[0])


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
