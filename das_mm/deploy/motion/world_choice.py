"""The world of a clip: that of its results, or on the ground that the feet of its people show, or the camera's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from das_mm.bodies.skeleton import JOINT_NAMES
from das_mm.structures.world_frame import WorldFrame
from das_mm.visualization.ground import estimate_ground

from .clip_motion import CAMERA_WORLD, PersonMotion, World

_MOST_BODIES = 2000
_MOST_SURFACES = 12  # of one person


def told_world(words: Mapping[str, Any]) -> World:
    """The world that results tell (``world``)."""
    frame = WorldFrame.from_words(words)
    return _world_of(frame, f'floor of the results, seen by {frame.num_contacts} contacts of feet')


def world_on_ground(people: Sequence[PersonMotion]) -> World:
    """The world on whose floor the feet of all frames agree best, taken for one of a camera that stands still.

    Args:
        people: In the camera frame.

    Returns:
        It, or the camera's own where nobody is there.
    """
    if not people:
        return CAMERA_WORLD
    joints_m = np.concatenate([person.joints_m for person in people])
    some = 1000 * joints_m[:: -(-len(joints_m) // _MOST_BODIES)]
    ground = estimate_ground(some, np.ones(some.shape[:2], bool), JOINT_NAMES)
    if ground is None:
        return CAMERA_WORLD
    # it goes through joints, and people stand on their soles: half of them lower than the floor, half higher
    lowest = [
        (person.surface_m(slice(None, None, -(-len(person.frames) // _MOST_SURFACES))) @ ground.up).min(axis=1)
        for person in people
    ]
    frame = WorldFrame.over_floor(ground.up, -1000 * float(np.median(np.concatenate(lowest))))
    return _world_of(frame, f'guessed from the feet of {len(people)} people in {len(joints_m)} poses')


def _world_of(frame: WorldFrame, words: str) -> World:
    return World(frame.camera_to_world[:3, :3], frame.camera_to_world[:3, 3], words)
