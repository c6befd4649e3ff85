"""Light of a scene and the sky behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .textures import Tile, sample_tile

_TO_LINEAR = ((np.arange(256) / 255.0) ** 2.2).astype(np.float32)
_STEPS = 16384
_TO_SRGB = (255 * (np.arange(_STEPS + 1) / _STEPS) ** (1 / 2.2)).astype(np.float32)


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB in [0, 255] to linear light in [0, 1], float32."""
    return _TO_LINEAR[np.clip(srgb, 0, 255).astype(np.uint8)]


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light to sRGB in [0, 255] float32; light above 1 is clipped."""
    return _TO_SRGB[(np.clip(linear, 0, 1) * _STEPS + 0.5).astype(np.int32)]


@dataclass(frozen=True)
class Light:
    """One lamp (or a far sun) and the light of the surroundings.

    Attributes:
        position (3,): World, m; a sun stands far away.
        colour (3,): Linear strength where it falls straight on a surface.
        softness: Radius of the lamp over its distance; widens the rim of shadows.
        above (3,), below (3,): Linear light from the upper and the lower half of the surroundings.
    """

    position: np.ndarray
    colour: np.ndarray
    softness: float
    above: np.ndarray
    below: np.ndarray

    def __post_init__(self):
        for name in ('colour', 'above', 'below'):  # float32, or every picture is shaded in float64
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float32))


@dataclass(frozen=True)
class Sky:
    """What rays meet that meet nothing: a gradient with clouds and, at its foot, a far tree line or haze.

    Attributes:
        zenith, horizon, ground (3,): sRGB 0–255.
        clouds: Tile whose brightness is the cover of cloud, or None.
        cover: 0 clear … 1 closed.
        ridge: Height of the far tree line, tangent of its elevation; 0 = none.
        ridge_rgb (3,): Its colour.
        haze_m: Distance at which things have lost two thirds of their own colour to the air; 0 = clear (indoors).
    """

    zenith: np.ndarray
    horizon: np.ndarray
    ground: np.ndarray
    clouds: Tile | None = None
    cover: float = 0.5
    ridge: float = 0.0
    ridge_rgb: np.ndarray | None = None
    haze_m: float = 0.0

    def colour(self, directions: np.ndarray) -> np.ndarray:
        """(N, 3) sRGB float32 along (N, 3) world directions of any length."""
        x, y, z = np.asarray(directions, np.float32).T
        flat = np.sqrt(x * x + z * z) + np.float32(1e-6)
        slope = y / flat
        out = np.empty((len(slope), 3), np.float32)
        out[:] = self.ground
        up = np.flatnonzero(slope > 0)
        if not len(up):
            return out
        slope, x, z = slope[up], x[up] / flat[up], z[up] / flat[up]
        height = np.sqrt(np.minimum(slope / np.float32(1.2), 1))[:, None]
        sky = self.horizon.astype(np.float32) + height * (self.zenith - self.horizon).astype(np.float32)
        if self.clouds is not None:
            # clouds lie on a high plane, so they crowd together towards the horizon
            reach = 1 / np.maximum(slope, np.float32(0.04))
            uv = np.stack([x, z], 1) * (reach * np.float32(0.12))[:, None]
            cloud = sample_tile(self.clouds, uv, np.float32(0.004) * reach)[:, :1] / 255
            amount = np.clip((cloud - 1 + self.cover) * 3, 0, 1) * np.clip(slope * 8, 0, 1)[:, None]
            sky += amount * (235 - sky) * np.float32(0.85)
        if self.ridge > 0:
            low = np.flatnonzero(slope < 2 * self.ridge)
            azimuth = np.arctan2(x[low], z[low])
            wave = sum(np.sin(azimuth * n + n) / m for n, m in ((7, 1), (19, 2), (53, 3), (131, 4), (307, 6)))
            under = low[slope[low] < self.ridge * (1 + 0.3 * wave)]
            sky[under] = self.ridge_rgb
        out[up] = sky
        return out
