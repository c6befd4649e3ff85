"""Procedural texture tiles, made once a process from (kind, variant), and their filtered look-up.

A tile is a chain of square uint8 sRGB images that wrap at their borders, each half the size of the one before; a pixel
reads the two levels nearest to its footprint, so that far ground does not flicker.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from .texture_painters import KINDS

VARIANTS = 8  # per kind; scenes tint and scale them


@dataclass(frozen=True)
class Tile:
    """Levels (S, S, 3) uint8 sRGB, finest first, of a texture whose side measures ``size_m`` metres."""

    levels: tuple[np.ndarray, ...]
    size_m: float


@cache
def texture_tile(kind: str, variant: int) -> Tile:
    """The tile number ``variant`` (0 … VARIANTS-1) of a kind named in ``KINDS``; the same in every process."""
    painter, size_m = KINDS[kind]
    rng = np.random.Generator(np.random.PCG64([sum(kind.encode()), variant]))
    level = np.clip(painter(rng), 0, 255).astype(np.uint8)
    levels: list[np.ndarray] = [level]
    while level.shape[0] > 2:
        level = cv2.resize(level, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        levels.append(level)
    return Tile(tuple(levels), size_m)


def _remap(image: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Bilinear samples (N, 3) uint8 of a wrapping square image at (N, 2) texture coordinates."""
    n, columns = len(uv), 1024  # cv2.remap takes no side above 32767
    rows = -(-n // columns)
    maps = np.zeros((rows * columns, 2), np.float32)
    maps[:n] = (uv - np.floor(uv)) * image.shape[0] - 0.5
    # OpenCV's stub forgets that the second map may be None
    out = cv2.remap(  # pyright: ignore[reportCallIssue]
        image,
        maps.reshape(rows, columns, 2),
        None,  # pyright: ignore[reportArgumentType]
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    return out.reshape(-1, 3)[:n]


def sample_tile(tile: Tile, uv: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """Filtered colours of a tile.

    Args:
        tile: The texture.
        uv (N, 2): Coordinates in tiles (1 = one side of the tile).
        footprint (N,): Size of a pixel in tiles.

    Returns:
        (N, 3) float32 sRGB in [0, 255].
    """
    last = len(tile.levels) - 1
    level = np.clip(np.log2(np.maximum(footprint * tile.levels[0].shape[0], 1e-6)), 0, last)
    low = np.minimum(level.astype(np.int32), last - 1)
    part = (level - low).astype(np.float32)[:, None]
    out = np.zeros((len(uv), 3), np.float32)
    for index in np.unique(low):
        rows = np.flatnonzero(low == index)
        fine, coarse = (_remap(tile.levels[i], uv[rows]).astype(np.float32) for i in (index, index + 1))
        out[rows] = fine + part[rows] * (coarse - fine)
    return out
