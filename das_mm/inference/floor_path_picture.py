"""The picture of the ways over the floor, of results that tell their world."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from das_mm.visualization.floor_paths import draw_floor_paths

from .result_files import read_results


def write_floor_paths(results: str | Path, picture: str | Path) -> Path | None:
    """Draw who went where.

    Args:
        results: The ``.jsonl`` of a video, with ``world``.
        picture: The ``.png``.

    Returns:
        The picture; None where the results tell no world.

    Raises:
        UserError: Results that cannot be read, or a path that cannot be written.
    """
    places: dict[int, dict[int, list[float]]] = {}
    number, last = 0, None
    for number, last in enumerate(read_results(results)):
        for person in last['people']:
            identity, root = person.get('track_id'), person.get('root_world_m')
            if identity is not None and root is not None:
                places.setdefault(identity, {})[number] = [root[0], root[2]]
    if last is None or 'world' not in last:
        return None
    ways = {}
    for identity, told in places.items():
        first, end = min(told), max(told)
        ways[identity] = np.array([told.get(frame, [math.nan, math.nan]) for frame in range(first, end + 1)])
    camera, world = last['camera']['K'], last['world']
    left, right = camera[0][2], last['image']['width'] - camera[0][2]
    title = (
        f'{last["image"]["name"]}\ncamera {world["height_m"]:.2f} m over the floor, {world["tilt_deg"]:.1f}° down; '
        f'feet ± {world["residual_mm"]:.0f} mm'
    )
    field = tuple(math.degrees(math.atan2(side, camera[0][0])) for side in (left, right))
    return draw_floor_paths(picture, ways, title, (field[0], field[1]))
