"""Colour of a person's own surface: skin, face, hair and the clothes that lie close to the body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .appearance import Look
from .cloth import Cloth
from .regions import bottom_weight, hair_weight, is_arm, landmark, ramp, shoe_weight, skirt_weight, top_weight

# wrinkles: sums of waves with fixed directions, rad per metre
FOLD_WAVES = np.random.Generator(np.random.PCG64(7)).normal(0, 1, (8, 3)) * np.geomspace(18, 130, 8)[:, None]


@dataclass(frozen=True)
class PersonMaterial:
    """Reads rest coordinates (see ``regions``); implements ``materials.Material``."""

    look: Look
    gloss: float = 0.04
    glow: float = 0.0

    def colour(self, coords: np.ndarray, footprint_m: np.ndarray) -> np.ndarray:
        """(N, 3) float32 sRGB."""
        look, width = self.look, np.maximum(footprint_m, 0.0015)
        out = self._skin(coords, width)
        along, around = _limb_coords(coords)
        lay_over(out, hair_weight(look, coords, np.maximum(width, 0.012)), self._hair(coords))
        lay_over(out, bottom_weight(look, coords, width), look.bottom, along, around, footprint_m)
        if look.open_front:
            lay_over(out, top_weight(look, coords, width, neckline=1.42), look.shirt, along, around, footprint_m)
        top = top_weight(look, coords, width)
        if look.open_front:
            gap = ramp(0.035 + 0.03 * (coords[:, 1] - 1.0) - np.abs(coords[:, 0]), width) * (coords[:, 2] > 0)
            top = top * (1 - gap)
        lay_over(out, top, look.top, along, around, footprint_m)
        lay_over(out, skirt_weight(look, coords, width), look.skirt, along, around, footprint_m)
        lay_over(out, shoe_weight(look, coords, width), look.shoes, along, around, footprint_m)
        sole = ramp(0.022 - coords[:, 1], width)
        lay_over(out, sole, look.shoes.second)
        return out

    def bump(self, coords: np.ndarray, footprint_m: np.ndarray) -> np.ndarray:
        """(N, 3): folds of the cloth, strands of the hair; skin stays smooth."""
        look = self.look
        cloth = (
            np.maximum(
                top_weight(look, coords, 0.02) * min(look.loose_top, 0.02),
                bottom_weight(look, coords, 0.02) * min(look.loose_bottom, 0.02),
            )
            * 14
        )
        hair = hair_weight(look, coords, 0.02) * 0.12
        out = np.zeros_like(coords)
        for wave in FOLD_WAVES.astype(np.float32):
            frequency = float(np.linalg.norm(wave))
            phase = coords @ wave
            # neighbouring waves bend each other, so that folds are no grid
            value = np.cos(phase + 1.5 * np.sin(phase[..., None] * 0.37)[..., 0] + frequency)
            seen = np.clip(1.5 - footprint_m * frequency, 0, 1)
            out += (value * seen)[:, None] * (wave / frequency)
        return out * (0.55 * cloth + hair)[:, None].astype(np.float32)

    def _skin(self, coords: np.ndarray, width: np.ndarray) -> np.ndarray:
        look = self.look
        out = np.tile(look.skin.astype(np.float32), (len(coords), 1))
        face = np.flatnonzero((coords[:, 1] > 1.42) & (coords[:, 2] > 0.0) & (np.abs(coords[:, 0]) < 0.12))
        if len(face):
            out[face] = _face(look, coords[face], width[face])
        return out

    def _hair(self, coords: np.ndarray) -> np.ndarray:
        look = self.look
        if look.hair_style == 'cap':
            return look.hat.base + np.zeros_like(coords)
        waves = np.array([310, 40, 180], np.float32), np.array([95, 20, 130], np.float32)
        strands = np.sin(coords @ waves[0]) * np.sin(coords @ waves[1])
        return look.hair * (1 + 0.08 * strands[:, None])


def _limb_coords(coords: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) metres along and around the arm, the leg or the trunk."""
    side, height, depth = np.abs(coords[:, 0]), coords[:, 1], coords[:, 2]
    arm, leg = is_arm(coords), height < 0.88
    along = np.where(arm, side, height)
    around = np.where(
        arm,
        0.05 * np.arctan2(height - 1.38, depth + 0.025),
        np.where(leg, 0.08 * np.arctan2(side - 0.1, depth), 0.16 * np.arctan2(coords[:, 0], depth + 0.01)),
    )
    return along.astype(np.float32), around.astype(np.float32)


def lay_over(out: np.ndarray, weight: np.ndarray, cover, *coords: np.ndarray) -> None:
    """Lay a colour ((3,) or (N, 3)) or a :class:`Cloth` over ``out`` in place, only where it shows."""
    rows = np.flatnonzero(weight > 0)
    if not len(rows):
        return
    if isinstance(cover, Cloth):
        cover = cover.colour(*(c[rows] for c in coords))
    elif np.ndim(cover) == 2:
        cover = cover[rows]
    out[rows] += weight[rows, None].astype(np.float32) * (cover - out[rows])


def _spot(coords: np.ndarray, centre, radii, width: np.ndarray) -> np.ndarray:
    """(N,) 1 inside the ellipse (x, y radii in metres) about ``centre`` as seen from the front."""
    radii = np.maximum(np.asarray(radii)[None], width[:, None] * 0.6)
    return ramp(
        1 - np.hypot(*((coords[:, :2] - np.asarray(centre)[:2]) / radii).T), np.maximum(width / radii.min(1), 0.15)
    )


def _face(look: Look, coords: np.ndarray, width: np.ndarray) -> np.ndarray:
    """(N, 3) skin with eyes, brows, lips and beard."""
    out = np.tile(look.skin.astype(np.float32), (len(coords), 1))
    eye, nose = landmark('left_eye'), landmark('nose')
    sides = np.stack([np.abs(coords[:, 0]), coords[:, 1], coords[:, 2]], 1)
    mouth = np.array([0, nose[1] - 0.033, 0])
    red = look.skin * np.array([1.02, 0.86, 0.84])
    lay_over(out, 0.6 * _spot(sides, (0.038, nose[1] - 0.005), (0.02, 0.018), np.maximum(width, 0.02)), red)
    if look.beard > 0:
        chin = ramp(nose[1] - 0.012 - coords[:, 1], 0.015) * ramp(coords[:, 1] - (nose[1] - 0.11), 0.02)
        lay_over(out, min(1.0, look.beard + 0.25) * 0.85 * chin, look.hair)
    lay_over(out, _spot(sides, mouth, (0.024, 0.0085), width), look.skin * np.array([0.82, 0.55, 0.55]))
    lay_over(out, _spot(sides, mouth, (0.02, 0.0015), width), look.skin * np.array([0.5, 0.3, 0.3]))
    lay_over(out, 0.5 * _spot(sides, (eye[0], eye[1]), (0.019, 0.012), np.maximum(width, 0.008)), look.skin * 0.72)
    lay_over(out, _spot(sides, (eye[0], eye[1]), (0.0135, 0.0065), width), np.array([236, 232, 228]))
    lay_over(out, _spot(sides, (eye[0], eye[1]), (0.0062, 0.0062), width), look.eyes)
    brow = eye[1] + 0.017 + 0.15 * np.maximum(sides[:, :1] - eye[0], 0)
    lay_over(out, 0.9 * _spot(sides, np.array([eye[0], brow.mean()]), (0.018, 0.0042), width), look.hair * 0.8)
    nostril = _spot(sides, (0.008, nose[1] - 0.011), (0.0045, 0.003), width)
    lay_over(out, 0.7 * nostril, look.skin * 0.4)
    return out
