"""Tables, seats, shelves and screens. Each stands on the ground about the origin, facing +z; lengths in metres."""

from __future__ import annotations

import numpy as np

from .materials import Material, random_plain, random_tiled
from .surfaces import Surface, box, cylinder, ellipsoid, merge, quad

Rng = np.random.Generator


def _wood(rng: Rng) -> Material:
    return (
        random_tiled(rng, ('planks', 'metal', 'plaster'), gloss=0.1) if rng.random() < 0.7 else random_plain(rng, 0.15)
    )


def _cloth(rng: Rng) -> Material:
    return random_tiled(rng, ('fabric', 'fabric', 'wallpaper')) if rng.random() < 0.7 else random_plain(rng)


def table(rng: Rng) -> list[Surface]:
    """Square or round, of table or bar height, with a few things on it."""
    wood, height = _wood(rng), rng.choice([0.45, 0.73, 0.75, 1.05])
    if rng.random() < 0.35:
        radius = rng.uniform(0.3, 0.7)
        parts = [
            cylinder(radius, 0.04, wood, (0, height, 0), segments=28),
            cylinder(0.04, height, wood, (0, height / 2, 0)),
            cylinder(0.28, 0.03, wood, (0, 0.015, 0)),
        ]
        reach = radius * 0.6
    else:
        x, z = rng.uniform(0.6, 1.9), rng.uniform(0.5, 0.9)
        parts = [box((x, 0.04, z), wood, (0, height, 0))]
        parts += [
            box((0.06, height, 0.06), wood, (sx * (x / 2 - 0.06), height / 2, sz * (z / 2 - 0.06)))
            for sx in (-1, 1)
            for sz in (-1, 1)
        ]
        reach = min(x, z) * 0.4
    return [merge(parts), *_clutter_on(rng, height + 0.02, reach)]


def _clutter_on(rng: Rng, height: float, reach: float) -> list[Surface]:
    things = []
    for _ in range(int(rng.integers(0, 5))):
        x, z = rng.uniform(-reach, reach, 2)
        tall = rng.uniform(0.06, 0.32)
        kind = int(rng.integers(3))
        if kind == 0:
            things.append(cylinder(rng.uniform(0.03, 0.06), tall, random_plain(rng, 0.4), (x, height + tall / 2, z)))
        elif kind == 1:
            size = (rng.uniform(0.1, 0.35), tall, rng.uniform(0.05, 0.3))
            things.append(box(size, random_tiled(rng, ('poster',), scale=(0.3, 0.5)), (x, height + tall / 2, z)))
        else:
            radius = rng.uniform(0.04, 0.1)
            things.append(ellipsoid((radius,) * 3, random_plain(rng, 0.3), (x, height + radius, z), rows=8))
    return things


def chair(rng: Rng, seat_height: float | None = None) -> list[Surface]:
    """Chair, stool or bench with its seat at ``seat_height`` m; sitters look along +z, their hips over the origin."""
    height = float(rng.uniform(0.42, 0.48)) if seat_height is None else seat_height
    wood, seat = _wood(rng), _cloth(rng) if rng.random() < 0.5 else _wood(rng)
    style = int(rng.integers(4))
    depth, thick = 0.44, min(0.06, height / 2)
    if style == 0:  # stool
        return [
            cylinder(0.2, thick, seat, (0, height - thick / 2, 0)),
            cylinder(0.05, height - thick, wood, (0, (height - thick) / 2, 0), top_radius=0.03),
        ]
    if style == 1:  # block
        return [box((rng.uniform(0.45, 1.4), height, 0.5), seat, (0, height / 2, 0))]
    width = 0.46 if style == 2 else rng.uniform(0.9, 1.8)
    legs = [
        box(
            (0.045, height - thick, 0.045),
            wood,
            (sx * (width / 2 - 0.03), (height - thick) / 2, sz * (depth / 2 - 0.03)),
        )
        for sx in (-1, 1)
        for sz in (-1, 1)
    ]
    back = rng.uniform(0.35, 0.5)
    legs += [
        box((0.045, back, 0.04), wood, (sx * (width / 2 - 0.03), height + back / 2, -depth / 2 - 0.03))
        for sx in (-1, 1)
    ]
    return [
        merge(legs),
        box((width, thick, depth), seat, (0, height - thick / 2, 0)),
        box((width, back * 0.55, 0.04), seat, (0, height + back * 0.72, -depth / 2 - 0.03)),
    ]


def sofa(rng: Rng) -> list[Surface]:
    """Upholstered seat for one to three."""
    cloth, width = _cloth(rng), rng.uniform(0.8, 2.1)
    return [
        merge(
            [
                box((width, 0.42, 0.8), cloth, (0, 0.21, 0)),
                box((width, 0.45, 0.2), cloth, (0, 0.6, -0.38)),
                box((0.18, 0.6, 0.8), cloth, (-width / 2 - 0.09, 0.3, 0)),
                box((0.18, 0.6, 0.8), cloth, (width / 2 + 0.09, 0.3, 0)),
            ]
        )
    ]


def shelf(rng: Rng) -> list[Surface]:
    """Full bookshelf or cupboard."""
    size = (rng.uniform(0.6, 1.8), rng.uniform(0.8, 2.2), rng.uniform(0.25, 0.5))
    body = box(size, _wood(rng), (0, size[1] / 2, 0))
    if rng.random() < 0.6:
        front = random_tiled(rng, ('shelves',))
        return [
            body,
            quad(
                (-size[0] / 2 + 0.03, 0.03, size[2] / 2 + 0.004), (size[0] - 0.06, 0, 0), (0, size[1] - 0.06, 0), front
            ),
        ]
    knob = random_plain(rng, 0.6)
    return [
        body,
        *(ellipsoid((0.025,) * 3, knob, (s * 0.05, size[1] * 0.5, size[2] / 2 + 0.02), rows=6) for s in (-1, 1)),
    ]


def screen(rng: Rng) -> list[Surface]:
    """Poster wall, board or television on feet."""
    width, height, foot = rng.uniform(0.7, 1.8), rng.uniform(0.5, 1.4), rng.uniform(0.1, 0.9)
    glow = 0.5 if rng.random() < 0.3 else 0.0
    return [
        box((width, height, 0.05), random_tiled(rng, ('poster', 'clutter'), glow=glow), (0, foot + height / 2, 0)),
        merge([box((0.05, foot, 0.3), random_plain(rng), (s * width * 0.35, foot / 2, 0)) for s in (-1, 1)]),
    ]
