"""Where on the body which garment lies, as smooth weights over rest coordinates.

Rest coordinates: metres, x to the person's left, y the height above the ground, z forward; arms stretched out along x.
The same functions move vertices out (cloth is thicker than skin) and colour pixels, so rims agree.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from das_mm.bodies import LANDMARKS

from .appearance import Look
from .parts import rest_coords

_ARM_X, _ARM_Y = 0.185, 1.15  # beyond this x and above this height lies an arm


@cache
def landmark(name: str) -> np.ndarray:
    """(3,) rest place of a surface point such as 'nose' or 'left_eye'."""
    return np.asarray(sum(weight * rest_coords()[vertex] for vertex, weight in LANDMARKS[name].items()))


def ramp(distance: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """1 well above zero, 0 well below, linear over ``width`` between."""
    return np.clip(0.5 + distance / width, 0, 1)


def is_arm(coords: np.ndarray) -> np.ndarray:
    """(N,) bool: arms and hands."""
    return (np.abs(coords[:, 0]) > _ARM_X) & (coords[:, 1] > _ARM_Y)


def top_weight(look: Look, coords: np.ndarray, width: np.ndarray | float, neckline: float | None = None) -> np.ndarray:
    """(N,) shirt, jacket or the upper half of a dress; ``neckline`` replaces the look's own."""
    side, height, depth = np.abs(coords[:, 0]), coords[:, 1], coords[:, 2]
    front = np.clip(0.5 + depth / 0.12, 0, 1)
    lowest = look.neckline if neckline is None else neckline
    collar = 1.475 + front * (lowest - 1.475) + 1.1 * np.maximum(side - 0.06, 0)
    trunk = np.minimum(ramp(height - look.top_hem, width), ramp(collar - height, width))
    bare = ramp(0.155 - side, width) if look.sleeve_x < 0.16 else 1.0
    sleeve = ramp(look.sleeve_x - side, width)
    return np.where(is_arm(coords), sleeve, np.minimum(trunk, bare))


def bottom_weight(look: Look, coords: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """(N,) trousers, shorts or tights."""
    weight = np.minimum(ramp(look.waist - coords[:, 1], width), ramp(coords[:, 1] - look.bottom_hem, width))
    return np.where(is_arm(coords), 0, weight)


def skirt_weight(look: Look, coords: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """(N,) what a skirt or coat hangs over, down to a little above its hem."""
    if look.skirt_hem == 0:
        return np.zeros(len(coords))
    weight = np.minimum(ramp(look.waist - coords[:, 1], width), ramp(coords[:, 1] - look.skirt_hem - 0.06, width))
    return np.where(is_arm(coords), 0, weight)


def shoe_weight(look: Look, coords: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """(N,) shoes, higher at the heel than on the instep."""
    return ramp(look.shoe_top - 0.25 * np.clip(coords[:, 2] - 0.02, 0, 0.2) - coords[:, 1], width)


def hair_weight(look: Look, coords: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """(N,) the part of the head under hair (or hat); ears stay free."""
    if look.hair_style == 'bald':
        return np.zeros(len(coords))
    side, height, depth = np.abs(coords[:, 0]), coords[:, 1], coords[:, 2]
    eye, ear, top = landmark('left_eye'), landmark('left_ear'), landmark('head_top')
    # from the middle of the forehead down past the front of the ear to the nape
    brow = eye[1] + 0.55 * (top[1] - eye[1])
    nape = ear[1] - (0.09 if look.hair_style in ('full', 'long', 'tail') else 0.05)
    slope = (brow - nape) / (eye[2] - ear[2] + 0.05)
    line = nape + slope * (depth - ear[2] + 0.05) - 0.25 * np.maximum(side - 0.03, 0)
    line = np.where(depth < ear[2] - 0.02, np.minimum(line, nape), line)
    on_ear = (np.hypot(height - ear[1], depth - ear[2]) < 0.032) & (side > ear[0] - 0.012)
    return np.where(on_ear | (side > 0.13) | (height < 1.3), 0, ramp(height - line, width))
