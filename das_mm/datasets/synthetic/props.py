"""Things that stand among people outdoors, and which things stand where.

Each stands on the ground about the origin, facing +z.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .furniture import Rng, chair, screen, shelf, sofa, table
from .materials import Plain, random_plain, random_tiled
from .surfaces import Surface, box, cylinder, ellipsoid, merge


def crate(rng: Rng) -> list[Surface]:
    """A box or a stack of two."""
    lower = rng.uniform(0.3, 0.9, 3)
    parts = [
        box(lower, random_tiled(rng, ('planks', 'poster', 'metal', 'fabric'), scale=(0.5, 1)), (0, lower[1] / 2, 0))
    ]
    if rng.random() < 0.4:
        upper = lower * rng.uniform(0.5, 0.9)
        parts.append(
            box(
                upper,
                random_tiled(rng, ('planks', 'poster', 'clutter'), scale=(0.3, 0.6)),
                (rng.uniform(-0.1, 0.1), lower[1] + upper[1] / 2, 0),
            )
        )
    return parts


def barrel(rng: Rng) -> list[Surface]:
    """Barrel, bin or pillar stump."""
    radius, height = rng.uniform(0.15, 0.35), rng.uniform(0.5, 1.1)
    return [
        cylinder(
            radius,
            height,
            random_tiled(rng, ('metal', 'planks', 'plaster'), gloss=0.2),
            (0, height / 2, 0),
            top_radius=radius * rng.uniform(0.8, 1.15),
        )
    ]


def pillar(rng: Rng) -> list[Surface]:
    """Column from floor to ceiling."""
    material = random_tiled(rng, ('plaster', 'concrete', 'bricks', 'tiles'))
    if rng.random() < 0.5:
        return [cylinder(rng.uniform(0.12, 0.3), 3.2, material, (0, 1.6, 0))]
    return [box((rng.uniform(0.2, 0.6), 3.2, rng.uniform(0.2, 0.6)), material, (0, 1.6, 0))]


def lamp_post(rng: Rng) -> list[Surface]:
    """Street lamp or sign."""
    metal, height = random_plain(rng, 0.3), rng.uniform(2.2, 4.5)
    post = cylinder(0.05, height, metal, (0, height / 2, 0), segments=10)
    if rng.random() < 0.5:
        return [post, ellipsoid((0.18, 0.18, 0.18), Plain((255, 244, 214), glow=0.9), (0, height, 0))]
    size = rng.uniform(0.4, 0.8)
    return [
        post,
        box(
            (size, size * rng.uniform(0.5, 1.2), 0.03),
            random_tiled(rng, ('poster',), scale=(0.5, 0.8)),
            (0, height - size / 2, 0.06),
        ),
    ]


def plant(rng: Rng) -> list[Surface]:
    """Pot with a bush."""
    pot, green = rng.uniform(0.25, 0.5), random_tiled(rng, ('foliage',), scale=(0.25, 0.6))
    leaves = [
        ellipsoid(rng.uniform(0.12, 0.3, 3), green, np.array([0, pot + 0.25, 0]) + rng.normal(0, 0.14, 3), rows=7)
        for _ in range(int(rng.integers(4, 9)))
    ]
    return [cylinder(pot * 0.4, pot, random_plain(rng, 0.1), (0, pot / 2, 0), top_radius=pot * 0.55), merge(leaves)]


def bush(rng: Rng) -> list[Surface]:
    """Hedge or bush."""
    green = random_tiled(rng, ('foliage',), scale=(0.4, 1))
    length = rng.uniform(0.3, 1.6)
    return [
        merge(
            [
                ellipsoid(
                    rng.uniform(0.25, 0.55, 3),
                    green,
                    (rng.uniform(-length, length), rng.uniform(0.1, 0.5), rng.normal(0, 0.15)),
                    rows=8,
                )
                for _ in range(int(rng.integers(4, 10)))
            ]
        )
    ]


def tree(rng: Rng) -> list[Surface]:
    """Trunk and crown."""
    trunk, radius = rng.uniform(1.6, 3.2), rng.uniform(0.08, 0.25)
    green, width = random_tiled(rng, ('foliage',), scale=(0.8, 1.6)), rng.uniform(0.6, 1.6)
    crown = [
        ellipsoid(
            rng.uniform(0.5, 1, 3) * width,
            green,
            np.array([0, trunk + width * 0.7, 0]) + rng.normal(0, 0.5, 3) * width,
            rows=9,
        )
        for _ in range(int(rng.integers(6, 12)))
    ]
    return [
        cylinder(
            radius,
            trunk + 0.5,
            random_tiled(rng, ('dirt', 'planks'), scale=(0.2, 0.4)),
            (0, trunk / 2 + 0.25, 0),
            top_radius=radius * 0.6,
            segments=12,
        ),
        merge(crown),
    ]


def car(rng: Rng) -> list[Surface]:
    """Parked car, seen as body, cabin, windows and wheels."""
    paint, glass, rubber = random_plain(rng, 0.7), Plain((35, 42, 50), gloss=0.9), Plain((22, 22, 24))
    length, width = rng.uniform(3.6, 4.6), 1.7
    roof = rng.uniform(1.35, 1.8)
    parts = [
        box((length, 0.62, width), paint, (0, 0.56, 0)),
        box((length * 0.5, 0.06, width * 0.86), paint, (-0.1, roof, 0)),
        box((length * 0.54, roof - 0.85, width * 0.88), glass, (-0.1, (roof + 0.85) / 2, 0)),
    ]
    wheels = []
    for x in (-0.32, 0.32):
        for side in (-1, 1):
            wheel = cylinder(0.32, 0.2, rubber, segments=18)
            upright = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
            wheels.append(wheel.transformed(upright, np.array([x * length, 0.32, side * (width / 2 - 0.08)])))
    lights = [
        ellipsoid((0.05, 0.07, 0.12), Plain((250, 240, 210), glow=0.4), (length / 2, 0.65, s * 0.6), rows=6)
        for s in (-1, 1)
    ]
    return [*parts, merge(wheels), *lights]


def bicycle_rack(rng: Rng) -> list[Surface]:
    """Railing: posts with bars, of any length."""
    metal, length, height = random_plain(rng, 0.4), rng.uniform(1, 4), rng.uniform(0.7, 1.15)
    bars = [
        box((length, 0.04, 0.04), metal, (0, height * f, 0)) for f in rng.choice([0.3, 0.5, 0.75, 1], 2, replace=False)
    ]
    posts = [
        box((0.05, height, 0.05), metal, (x, height / 2, 0)) for x in np.arange(-length / 2, length / 2 + 0.01, 0.5)
    ]
    return [merge(bars + posts)]


def ball(rng: Rng) -> list[Surface]:
    """Ball on the ground."""
    radius = rng.uniform(0.1, 0.35)
    return [
        ellipsoid(
            (radius,) * 3, random_tiled(rng, ('poster', 'wallpaper'), gloss=0.3, scale=(0.4, 0.8)), (0, radius, 0)
        )
    ]


INDOOR: tuple[Callable[[Rng], list[Surface]], ...] = (
    table,
    table,
    chair,
    chair,
    sofa,
    shelf,
    shelf,
    crate,
    barrel,
    pillar,
    plant,
    screen,
    ball,
)
STREET: tuple[Callable[[Rng], list[Surface]], ...] = (
    car,
    car,
    lamp_post,
    lamp_post,
    crate,
    barrel,
    bicycle_rack,
    bicycle_rack,
    plant,
    bush,
    tree,
    table,
    chair,
    screen,
    pillar,
)
PARK: tuple[Callable[[Rng], list[Surface]], ...] = (
    tree,
    tree,
    tree,
    bush,
    bush,
    bush,
    chair,
    lamp_post,
    bicycle_rack,
    ball,
    table,
    crate,
    barrel,
)
