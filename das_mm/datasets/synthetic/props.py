"""Things that stand among people: furniture, plants, cars. Each stands on the ground about the origin, facing +z."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .materials import Material, Plain, random_plain, random_tiled
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


def screen(rng: Rng) -> list[Surface]:
    """Poster wall, board or television on feet."""
    width, height, foot = rng.uniform(0.7, 1.8), rng.uniform(0.5, 1.4), rng.uniform(0.1, 0.9)
    glow = 0.5 if rng.random() < 0.3 else 0.0
    return [
        box((width, height, 0.05), random_tiled(rng, ('poster', 'clutter'), glow=glow), (0, foot + height / 2, 0)),
        merge([box((0.05, foot, 0.3), random_plain(rng), (s * width * 0.35, foot / 2, 0)) for s in (-1, 1)]),
    ]


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
