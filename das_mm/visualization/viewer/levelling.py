"""Where the camera stands over the floor of each image: told, or guessed from the feet.

The frame that is shown is a :class:`.WorldFrame`, in metres with y up and the floor at 0, of a guessed floor too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from das_mm.structures.world_frame import WorldFrame
from das_mm.visualization.ground import LEAST_PLACES, Ground, estimate_ground

from .people_table import PeopleTable


def told_pose(world: WorldFrame) -> dict[str, Any]:
    """The pose of a camera whose place is known."""
    seen = f'{world.num_contacts} feet that stood on it (±{world.residual_mm:.0f} mm, tilt ±{world.tilt_sd_deg:.1f}°)'
    text = f'Ground: that of the world frame, from {seen}; the camera stands {world.height_m:.2f} m over it.'
    return _pose(world.camera_to_world, 'world', text)


def guessed_poses(
    tables: Sequence[PeopleTable], names: Sequence[str], groups: Sequence[slice], is_clip: bool
) -> list[dict[str, Any]]:
    """One pose for each group of images that share a camera at rest.

    Args:
        tables: Found and true people; a group is guessed from the first in which somebody shows a foot.
        names: Of the K keypoints.
        groups: Slices of images.
        is_clip: A group is a clip, and its camera moved if the feet lie on no plane.
    """
    drawn = [table.drawn().astype(float) for table in tables]
    poses = []
    for group in groups:
        ground = None
        for table, points in zip(tables, drawn):
            own = points[table.starts[group.start] : table.starts[group.stop]]
            ground = ground or estimate_ground(own, np.isfinite(own).all(-1), names)
        poses.append(_pose(_camera_to_level(ground), ground and ground.basis, _words(ground, is_clip)))
    return poses


def _camera_to_level(ground: Ground | None) -> np.ndarray:
    """(4, 4), metres to metres; the camera's own axes, y turned up, where there is no floor."""
    if ground is None:
        return np.diag([1.0, -1.0, -1.0, 1.0])
    return WorldFrame.over_floor(ground.up, float(-ground.point_mm @ ground.up)).camera_to_world


def _words(ground: Ground | None, is_clip: bool) -> str:
    if ground is None:
        return 'Ground: no feet seen, no grid.'
    seen = f'{ground.num_feet} feet over the clip' if is_clip else f'the feet of {ground.num_feet}'
    if ground.basis == 'feet':
        return f'Ground: fitted to {seen}, which lie ±{ground.residual_mm:.0f} mm off it.'
    held = (
        'square to how people stand'
        if ground.basis == 'bodies'
        else 'as if the camera were level: nobody stands upright'
    )
    if ground.residual_mm > 0 and is_clip:
        why = f'{seen} lie on no plane (±{ground.residual_mm:.0f} mm) or on too few places'
    else:
        why = f'seen are {seen}, and fewer than {LEAST_PLACES} places cannot tell its tilt'
    return f'Ground: a guess, {held}; {why}.'


def _pose(matrix: np.ndarray, basis: str | None, text: str) -> dict[str, Any]:
    return dict(matrix=np.round(matrix[:3], 6).ravel().tolist(), basis=basis, text=text)
