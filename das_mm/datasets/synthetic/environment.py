"""The place around the people: a room, a street, a park, a stage; its light, its sky and what stands in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import props
from .lighting import Light, Sky
from .materials import random_plain, random_tiled
from .surfaces import Surface, box, quad, yaw_matrix
from .texture_painters import hsv
from .textures import VARIANTS, texture_tile
from .viewpoint import Viewpoint

KINDS = {'room': 0.4, 'street': 0.28, 'park': 0.22, 'stage': 0.1}
_MOST_COVER = 0.25  # of the image, by one thing that stands before somebody


@dataclass(frozen=True)
class Environment:
    """Everything in a scene but its people."""

    surfaces: list[Surface]
    light: Light
    sky: Sky


def build_environment(
    rng: np.random.Generator,
    people: np.ndarray,
    view: Viewpoint,
    path: np.ndarray | None = None,
    kind: str | None = None,
) -> Environment:
    """A place for people who already stand.

    Args:
        rng: The scene's stream.
        people (M, 3): Points on and in their bodies, world m (over all frames of a clip): things keep clear of them.
        view: The camera (of a clip: its first).
        path (F, 3): Places of the camera over a clip; things keep clear of them too.
        kind: A name in ``KINDS``; drawn where None.
    """
    kind = kind or str(rng.choice(list(KINDS), p=list(KINDS.values())))
    path = view.position[None] if path is None else path
    around = np.concatenate([people, path])
    low, high = around.min(0), around.max(0)
    build = {'room': _room, 'street': _street, 'park': _park, 'stage': _stage}[kind]
    place, stock, light, sky = build(rng, low, high, view)
    return Environment(place + _furnish(rng, stock, people, path, view, kind), light, sky)


def _ground(material, reach: float = 400.0) -> Surface:
    return quad((-reach, 0, -reach), (0, 0, 2 * reach), (2 * reach, 0, 0), material)


def _room(rng, low, high, view):
    x0, z0 = low[[0, 2]] - rng.uniform(0.35, 2.5, 2)
    x1, z1 = high[[0, 2]] + rng.uniform(0.35, 2.5, 2)
    top = max(rng.uniform(2.5, 3.6), high[1] + 0.35)
    floor = random_tiled(
        rng, ('planks', 'planks', 'tiles', 'carpet', 'concrete', 'fabric'), gloss=float(rng.choice([0, 0.15, 0.3]))
    )
    wall_kinds = ('plaster', 'plaster', 'wallpaper', 'bricks', 'concrete', 'planks', 'shelves', 'clutter')
    alike = rng.random() < 0.6
    walls = [random_tiled(rng, wall_kinds)] * 4 if alike else [random_tiled(rng, wall_kinds) for _ in range(4)]
    x, y, z = np.array([x1 - x0, 0, 0]), np.array([0, top, 0]), np.array([0, 0, z1 - z0])
    corner = np.array([x0, 0, z0])
    surfaces = [
        quad(corner, z, x, floor),
        quad(corner + y, x, z, random_tiled(rng, ('plaster',))),
        quad(corner, x, y, walls[0]),
        quad(corner + x, z, y, walls[1]),
        quad(corner + x + z, -x, y, walls[2]),
        quad(corner + z, -z, y, walls[3]),
    ]
    for start, along in ((corner, x), (corner + x, z), (corner + x + z, -x), (corner + z, -z)):
        surfaces += _on_wall(rng, start, along, top)
    lamp = np.array([rng.uniform(x0, x1), top - 0.1, rng.uniform(z0, z1)])
    warm = np.array([1, rng.uniform(0.8, 1), rng.uniform(0.6, 1.05)])
    light = Light(
        lamp,
        rng.uniform(0.35, 0.8) * warm,
        rng.uniform(0.04, 0.15),
        rng.uniform(0.35, 0.7) * (0.5 + 0.5 * warm),
        rng.uniform(0.15, 0.35) * np.ones(3),
    )
    dark = np.full(3, 40.0)
    return surfaces, props.INDOOR, light, Sky(dark, dark, dark)


def _on_wall(rng, start, along, top) -> list[Surface]:
    """Pictures, windows, doors and a skirting board on one wall."""
    length = np.linalg.norm(along)
    u = along / length
    inward = np.cross(u, [0, 1, 0])
    out = [
        box((1, 1, 1), random_plain(rng)).transformed(
            np.stack([u * length, [0, 0.1, 0], inward * 0.02], 1), start + along / 2 + [0, 0.05, 0]
        )
    ]
    at = rng.uniform(0.2, 1.5)
    while at < length - 1.2:
        kind = rng.random()
        if kind < 0.5:
            width, height = rng.uniform(0.4, 1.1), rng.uniform(0.35, 1.0)
            bottom, material = rng.uniform(1.1, 1.5), random_tiled(rng, ('poster', 'clutter'), scale=(0.5, 1.2))
        elif kind < 0.75:
            width, height, bottom = rng.uniform(0.8, 1.6), rng.uniform(1.0, 1.5), 0.9
            material = random_tiled(
                rng, ('foliage', 'facade', 'plaster'), glow=float(rng.uniform(0.3, 1)), scale=(1, 2)
            )
        else:
            width, height, bottom, material = 0.9, 2.05, 0.01, random_tiled(rng, ('planks', 'plaster'), gloss=0.15)
        if bottom + height < top and at + width < length:
            frame = random_plain(rng)
            corner = start + u * at + inward * 0.012
            out.append(quad(corner + [0, bottom - 0.05, 0] - u * 0.05, u * (width + 0.1), (0, height + 0.1, 0), frame))
            out.append(quad(corner + inward * 0.006 + [0, bottom, 0], u * width, (0, height, 0), material))
        at += width + rng.uniform(0.3, 2.5)
    return out


def _daylight(rng, view) -> Light:
    elevation, azimuth = np.radians(rng.uniform(18, 75)), rng.uniform(0, 2 * np.pi)
    towards = np.array([np.cos(elevation) * np.cos(azimuth), np.sin(elevation), np.cos(elevation) * np.sin(azimuth)])
    cloudy = rng.random()
    warm = np.array([1, 0.97 - 0.15 * (elevation < 0.5), 0.9 - 0.3 * (elevation < 0.5)])
    blue = np.array([0.85, 0.95, 1.1])
    return Light(
        view.position + 300 * towards,
        (1 - 0.85 * cloudy) * 1.1 * warm,
        0.004 + 0.05 * cloudy**2,
        (0.4 + 0.35 * cloudy) * blue,
        rng.uniform(0.12, 0.3) * np.array([1, 0.97, 0.9]),
    )


def _open_sky(rng, ridge: float) -> Sky:
    clear = rng.random()
    return Sky(
        zenith=hsv(rng.uniform(0.56, 0.62), 0.65 * clear, rng.uniform(0.6, 0.95)),
        horizon=hsv(0.58, 0.15 * clear, rng.uniform(0.8, 0.98)),
        ground=hsv(rng.uniform(0.1, 0.3), 0.25, 0.4),
        clouds=texture_tile('clouds', int(rng.integers(VARIANTS))),
        cover=float(rng.uniform(0.1, 1)),
        ridge=ridge,
        ridge_rgb=hsv(rng.uniform(0.2, 0.6), rng.uniform(0.05, 0.3), rng.uniform(0.25, 0.6)),
        haze_m=float(np.exp(rng.uniform(np.log(120), np.log(900)))),
    )


def _street(rng, low, high, view):
    surfaces = [_ground(random_tiled(rng, ('asphalt', 'asphalt', 'concrete', 'tiles', 'bricks')))]
    heading = yaw_matrix(rng.uniform(0, 2 * np.pi))
    middle, reach = (low + high) / 2, np.linalg.norm((high - low)[[0, 2]]) / 2
    for side in (-1, 1):
        if rng.random() < 0.85:
            distance, at = reach + rng.uniform(0.8, 9), -60.0
            while at < 60:
                width, tall, deep = rng.uniform(5, 16), rng.uniform(3.5, 18), rng.uniform(4, 10)
                facade = random_tiled(rng, ('facade', 'facade', 'bricks', 'plaster', 'concrete'), scale=(0.6, 1.2))
                block = box(
                    (width, tall, deep),
                    facade,
                    (at + width / 2, tall / 2, side * (distance + deep / 2 + rng.uniform(0, 0.6))),
                )
                surfaces.append(block.transformed(heading, middle * [1, 0, 1]))
                if rng.random() < 0.6:  # a shop front on the ground floor
                    front = box(
                        (width * 0.9, 2.8, 0.1),
                        random_tiled(rng, ('poster', 'shelves', 'clutter'), gloss=0.2, scale=(1, 3)),
                        (at + width / 2, 1.4, side * distance),
                    )
                    surfaces.append(front.transformed(heading, middle * [1, 0, 1]))
                at += width + rng.choice([0, 0, rng.uniform(1, 8)])
    stripe = box((120, 0.012, 0.15), random_plain(rng), (0, 0, rng.uniform(-1, 1) * reach))
    surfaces.append(stripe.transformed(heading, middle * [1, 0, 1]))
    return surfaces, props.STREET, _daylight(rng, view), _open_sky(rng, float(rng.choice([0, rng.uniform(0.02, 0.08)])))


def _park(rng, low, high, view):
    surfaces = [_ground(random_tiled(rng, ('grass', 'grass', 'grass', 'dirt'), scale=(0.8, 2)))]
    middle = (low + high) / 2 * [1, 0, 1]
    if rng.random() < 0.5:
        path = box((200, 0.01, rng.uniform(1, 4)), random_tiled(rng, ('dirt', 'asphalt', 'concrete', 'bricks')))
        surfaces.append(path.transformed(yaw_matrix(rng.uniform(0, 2 * np.pi)), middle))
    return surfaces, props.PARK, _daylight(rng, view), _open_sky(rng, rng.uniform(0.02, 0.1))


def _stage(rng, low, high, view):
    """A curved or flat backdrop with nothing familiar on it: teaches that people are what is not texture."""
    kinds = ('clutter', 'poster', 'wallpaper', 'plaster', 'fabric', 'carpet', 'foliage', 'facade')
    surfaces = [_ground(random_tiled(rng, kinds, scale=(0.6, 3)))]
    behind = yaw_matrix(np.arctan2(view.rotation[2, 0], view.rotation[2, 2]) + rng.normal(0, 0.2))
    distance = np.linalg.norm((high - low)[[0, 2]]) + rng.uniform(1, 6)
    wall = quad((60, 0, 0), (-120, 0, 0), (0, 30, 0), random_tiled(rng, kinds, scale=(0.6, 3)))
    surfaces.append(wall.transformed(behind, view.position * [1, 0, 1] + behind[:, 2] * distance))
    light = _daylight(rng, view)
    return surfaces, props.INDOOR + props.STREET, light, _open_sky(rng, 0.0)


def _furnish(rng, stock, people, path, view, kind) -> list[Surface]:
    """Things on the ground that touch nobody and hide nobody wholly."""
    surfaces = []
    wanted = int(rng.integers(3, 16))
    centre = people.mean(0) if len(people) else view.position + 4 * view.rotation[2]
    spread = 1.5 + np.linalg.norm((centre - view.position)[[0, 2]])
    for _ in range(3 * wanted):
        if wanted == 0:
            break
        near = rng.random() < 0.5 and len(people)
        middle = people[rng.integers(len(people))] if near else centre
        offset = rng.normal(0, 0.9 if near else spread * 0.7, 2)
        place = np.array([middle[0] + offset[0], 0, middle[2] + offset[1]])
        if len(people) and np.linalg.norm((people - place)[:, [0, 2]], axis=1).min() < 0.25:
            continue  # nothing stands inside somebody: do not build it first
        parts = stock[int(rng.integers(len(stock)))](rng)
        yaw = rng.choice([0, 0.5, 1, 1.5]) * np.pi + (rng.normal(0, 0.1) if kind == 'room' else rng.uniform(0, np.pi))
        moved = [part.transformed(yaw_matrix(yaw), place) for part in parts]
        if _fits(np.concatenate([part.vertices for part in moved]), yaw, place, people, path, view):
            surfaces += moved
            wanted -= 1
    return surfaces


def _fits(vertices, yaw, place, people, path, view) -> bool:
    """Whether a thing leaves the people, the camera's way and most of the image free."""
    local = (vertices - place) @ yaw_matrix(yaw)
    low, high = local.min(0), local.max(0)
    for points, margin in ((people, 0.05), (path, 0.5)):
        inside = (points - place) @ yaw_matrix(yaw)
        if ((inside > low - margin) & (inside < high + margin)).all(1).any():
            return False
    camera = view.to_camera(vertices)
    if (camera[:, 2] < 0.3).any():
        # beside or behind the camera it only casts shadows; across its image plane it would fill the picture
        return bool((camera[:, 2] < 0.3).all())
    seen = np.clip(view.project(vertices), 0, [view.width, view.height])
    cover = np.prod((seen.max(0) - seen.min(0)) / [view.width, view.height])
    nearest_person = view.to_camera(people)[:, 2].max() if len(people) else 0
    return bool(cover < _MOST_COVER or camera[:, 2].min() > nearest_person)
