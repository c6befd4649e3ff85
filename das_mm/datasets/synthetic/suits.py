"""Suits whose every limb has its own colour, so that a small network learns poses within minutes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .appearance import Look, sample_look
from .person_material import PersonMaterial, lay_over
from .regions import hair_weight, is_arm, ramp

# metres of the rest pose, see ``regions``
_NECK_Y, _CROTCH_Y, _KNEE_Y, _ELBOW_X = 1.46, 0.9, 0.52, 0.43

# sRGB; (left, right) of each limb, (front, back) of the trunk: the sides and the two faces of a person differ
_UPPER_ARM = ((214, 40, 40), (30, 90, 220))
_FOREARM = ((250, 150, 30), (40, 200, 220))
_THIGH = ((170, 40, 170), (30, 140, 60))
_SHANK = ((250, 130, 200), (150, 220, 60))
_TRUNK = ((240, 220, 60), (60, 60, 70))


@dataclass(frozen=True)
class Suit(Look):
    """The look of somebody in a colour-coded suit; face, hair and stature stay their own."""


def sample_suit(rng: np.random.Generator) -> Suit:
    """Somebody in a suit, drawn from the person's own stream."""
    person = vars(sample_look(rng))
    return Suit(
        **{
            **person,
            'top_hem': 0.92,
            'sleeve_x': 0.68,
            'neckline': _NECK_Y,
            'bottom_hem': 0.06,
            'waist': 0.97,
            'skirt_hem': 0.0,
            'open_front': False,
            'shoe_top': 0.07,
            'loose_top': 0.006,
            'loose_bottom': 0.006,
            'bag': 'none',
        }
    )


@dataclass(frozen=True)
class SuitMaterial(PersonMaterial):
    """Colours the body below the neck by limb; implements ``materials.Material``."""

    def colour(self, coords: np.ndarray, footprint_m: np.ndarray) -> np.ndarray:
        width = np.maximum(footprint_m, 0.0015)
        out = self._skin(coords, width)
        lay_over(out, hair_weight(self.look, coords, np.maximum(width, 0.012)), self._hair(coords))
        lay_over(out, np.where(is_arm(coords), 1.0, ramp(_NECK_Y - coords[:, 1], width)), suit_rgb(coords))
        return out


def suit_rgb(coords: np.ndarray) -> np.ndarray:
    """(N, 3) float32 sRGB of the suit at rest coordinates (N, 3)."""
    side, height, depth = coords.T
    first = {False: side > 0, True: depth > 0}  # left of right; front of back
    kinds = (  # later rows lie over earlier ones
        (_TRUNK, np.ones(len(coords), bool), first[True]),
        (_THIGH, height < _CROTCH_Y, first[False]),
        (_SHANK, height < _KNEE_Y, first[False]),
        (_UPPER_ARM, is_arm(coords), first[False]),
        (_FOREARM, is_arm(coords) & (np.abs(side) > _ELBOW_X), first[False]),
    )
    out = np.zeros((len(coords), 3), np.float32)
    for (one, other), rows, is_first in kinds:
        out[rows] = np.where(is_first[rows, None], np.array(one, np.float32), np.array(other, np.float32))
    return out
