"""Colours of one piece of clothing over its own coordinates (metres along and around the limb or trunk)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .materials import Tiled
from .texture_painters import hsv
from .textures import VARIANTS

PATTERNS = {'plain': 0.48, 'rings': 0.13, 'bars': 0.06, 'checks': 0.09, 'dots': 0.05, 'tile': 0.13, 'halves': 0.06}

# sRGB of what people wear most
_COMMON = np.array(
    [
        (28, 28, 32),
        (45, 47, 54),
        (90, 92, 96),
        (150, 150, 152),
        (205, 205, 205),
        (238, 238, 235),
        (30, 40, 72),
        (52, 72, 112),
        (84, 112, 150),
        (140, 165, 195),
        (120, 40, 45),
        (175, 45, 45),
        (200, 120, 110),
        (70, 85, 60),
        (110, 120, 80),
        (170, 155, 120),
        (205, 190, 160),
        (120, 85, 60),
        (75, 55, 45),
        (215, 170, 60),
        (40, 95, 85),
        (95, 60, 110),
    ],
    np.float32,
)


def cloth_rgb(rng: np.random.Generator) -> np.ndarray:
    """(3,) sRGB of cloth: mostly what shops sell, sometimes anything."""
    if rng.random() < 0.22:
        return hsv(rng.random(), rng.beta(1.5, 2), rng.uniform(0.2, 0.95))
    return np.clip(_COMMON[rng.integers(len(_COMMON))] * rng.uniform(0.8, 1.15) + rng.normal(0, 6, 3), 5, 245)


@dataclass(frozen=True)
class Cloth:
    """A pattern in two colours.

    Attributes:
        base, second (3,): sRGB.
        pattern: Key of ``PATTERNS``.
        period_m: Repetition of the pattern.
        share: Width of the second colour in a period, 0 … 1.
        tile: For ``pattern='tile'``: printed cloth.
        gloss: Strength of highlights (leather, satin).
    """

    base: np.ndarray
    second: np.ndarray
    pattern: str = 'plain'
    period_m: float = 0.1
    share: float = 0.4
    tile: Tiled | None = None
    gloss: float = 0.0

    def colour(self, along: np.ndarray, around: np.ndarray, footprint_m: np.ndarray) -> np.ndarray:
        """(N, 3) sRGB float32 at (N,) coordinates in metres; patterns fade where a pixel covers a period."""
        if self.pattern == 'plain':
            return np.broadcast_to(self.base, (len(along), 3))
        if self.pattern == 'tile':
            assert self.tile is not None, 'printed cloth has a tile'
            return self.tile.colour(np.stack([around, along], 1), footprint_m)
        edge = np.clip(footprint_m / self.period_m, 0.02, 0.5)
        if self.pattern == 'halves':
            amount = np.clip(0.5 + (along - self.period_m) / np.maximum(footprint_m, 0.002), 0, 1)
        elif self.pattern == 'dots':
            radius = np.hypot(*(((c / self.period_m) % 1) - 0.5 for c in (along, around)))
            amount = np.clip(0.5 + (self.share * 0.7 - radius) / edge, 0, 1)
        else:
            rings, bars = (_stripes(c / self.period_m, self.share, edge) for c in (along, around))
            amount = {'rings': rings, 'bars': bars, 'checks': (rings + bars) / 2}[self.pattern]
        return (self.base + amount[:, None] * (self.second - self.base)).astype(np.float32)


def _stripes(phase: np.ndarray, share: float, edge: np.ndarray) -> np.ndarray:
    """(N,) in [0, 1]: a stripe of width ``share`` in every period with soft rims, its mean where rims meet."""
    distance = share / 2 - np.abs(phase % 1 - 0.5)
    sharp = np.clip(0.5 + distance / edge, 0, 1)
    fade = np.clip((edge - 0.25) * 4, 0, 1)
    return sharp + fade * (share - sharp)


def random_cloth(rng: np.random.Generator, patterned: float = 1.0) -> Cloth:
    """Cloth of any colour; ``patterned`` scales the chance of a pattern."""
    names, chances = list(PATTERNS), np.array(list(PATTERNS.values()))
    chances[1:] *= patterned
    pattern = str(rng.choice(names, p=chances / chances.sum()))
    base, second = cloth_rgb(rng), cloth_rgb(rng)
    period = (
        float(np.exp(rng.uniform(np.log(0.02), np.log(0.16)))) if pattern != 'halves' else float(rng.uniform(1.05, 1.3))
    )
    tile = None
    if pattern == 'tile':
        kind = str(rng.choice(['fabric', 'wallpaper', 'clutter', 'poster', 'foliage', 'carpet']))
        tile = Tiled(kind, int(rng.integers(VARIANTS)), (1.0, 1.0, 1.0), float(rng.uniform(0.15, 0.5)))
    return Cloth(base, second, pattern, period, float(rng.uniform(0.2, 0.6)), tile)
