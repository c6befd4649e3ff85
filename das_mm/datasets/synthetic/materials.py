"""What a surface gives back: a colour for every pixel that sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .texture_painters import hsv
from .textures import VARIANTS, sample_tile, texture_tile


class Material(Protocol):
    """What a surface is made of; frozen, since surfaces share it."""

    @property
    def gloss(self) -> float:
        """Strength of the highlight, 0 = matt."""
        ...

    @property
    def glow(self) -> float:
        """Share of the colour that needs no light."""
        ...

    def colour(self, coords: np.ndarray, footprint_m: np.ndarray) -> np.ndarray:
        """(N, 3) float32 sRGB in [0, 255] at interpolated surface ``coords`` (N, 3); a pixel covers ``footprint_m``."""
        ...

    def bump(self, coords: np.ndarray, footprint_m: np.ndarray) -> np.ndarray | None:
        """(N, 3) to be added to the unit normals, or None for a smooth surface."""
        ...


@dataclass(frozen=True)
class Plain:
    """One colour (sRGB 0–255)."""

    rgb: tuple[float, float, float]
    gloss: float = 0.0
    glow: float = 0.0

    def colour(self, coords, footprint_m):
        return np.broadcast_to(np.asarray(self.rgb, np.float32), (len(coords), 3))

    def bump(self, coords, footprint_m):
        return None


@dataclass(frozen=True)
class Tiled:
    """A procedural tile (``textures.KINDS``), tinted by a factor per channel and stretched by ``scale``."""

    kind: str
    variant: int
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    scale: float = 1.0
    gloss: float = 0.0
    glow: float = 0.0

    def colour(self, coords, footprint_m):
        tile = texture_tile(self.kind, self.variant)
        side_m = tile.size_m * self.scale
        # texture rows run down, heights run up
        uv = coords[:, :2] * np.array([1 / side_m, -1 / side_m], np.float32)
        return sample_tile(tile, uv, footprint_m / side_m) * np.array(self.tint, np.float32)

    def bump(self, coords, footprint_m):
        return None


def random_plain(rng: np.random.Generator, gloss: float = 0.0) -> Plain:
    """Any colour, mostly muted."""
    return Plain(tuple(hsv(rng.random(), rng.beta(0.8, 3), rng.uniform(0.1, 0.9))), gloss)


def random_tiled(
    rng: np.random.Generator,
    kinds: tuple[str, ...],
    gloss: float = 0.0,
    glow: float = 0.0,
    scale: tuple[float, float] = (0.7, 1.5),
) -> Tiled:
    """One of the ``kinds``, in a random variant, size and slight tint."""
    tint = np.clip(rng.uniform(0.7, 1.15) * (1 + 0.05 * rng.standard_normal(3)), 0.3, 1.3)
    return Tiled(
        str(rng.choice(kinds)), int(rng.integers(VARIANTS)), tuple(tint), float(rng.uniform(*scale)), gloss, glow
    )
