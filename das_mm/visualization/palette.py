"""Colours that stay apart for colour-blind readers, the same in overlays, plots and the 3D viewer.

The first seven are the set of Okabe and Ito ("Color Universal Design"), reordered so that neighbours in the list
differ in lightness as well as hue, and with a darker yellow that also shows on white; four of Paul Tol's follow.
Left and right limbs differ in lightness of the person's own colour, which no colour blindness hides.
"""

from __future__ import annotations

from collections.abc import Sequence

RGB = tuple[int, int, int]

PERSON_COLORS: tuple[RGB, ...] = (
    (86, 180, 233),  # sky blue
    (213, 94, 0),  # vermillion
    (0, 158, 115),  # bluish green
    (204, 121, 167),  # reddish purple
    (230, 159, 0),  # orange
    (0, 114, 178),  # blue
    (221, 204, 51),  # yellow
    (170, 68, 153),  # purple
    (68, 170, 153),  # teal
    (153, 153, 51),  # olive
    (238, 51, 119),  # magenta
)

NOBODY_RGB: RGB = (150, 150, 150)  # of people whom the tracker has not made anybody yet
GROUND_TRUTH_RGB: RGB = (255, 255, 255)


def person_color(identity: int) -> RGB:
    """Colour (r, g, b) of an identity; the list repeats after 11 people. Grey for a negative one: no identity."""
    return NOBODY_RGB if identity < 0 else PERSON_COLORS[int(identity) % len(PERSON_COLORS)]


def shade(color: RGB, factor: float) -> RGB:
    """Darker for ``factor`` < 1 (towards black), lighter for > 1 (towards white, reached at 2)."""
    if factor <= 1:
        red, green, blue = (round(part * factor) for part in color)
    else:
        red, green, blue = (round(part + (255 - part) * (factor - 1)) for part in color)
    return red, green, blue


def limb_color(color: RGB, side: str) -> RGB:
    """Colour of a joint or limb of the person's own 'left', 'right' or 'middle'."""
    return shade(color, {'left': 1.35, 'middle': 1.0, 'right': 0.6}[side])


def bgr(color: RGB) -> tuple[int, int, int]:
    """OpenCV's order."""
    return color[2], color[1], color[0]


def css(color: Sequence[int]) -> str:
    """``#rrggbb``."""
    return '#' + bytes(tuple(color)).hex()
