"""The motion of the people of one clip, as files of motion tell it: a skeleton a person, a camera, a ground.

World: x right and z backward as the camera sees it, y up, metres. Where a ground is known y = 0 lies on it and the
camera over the origin; else the world is the camera's own frame with y and z turned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from das_mm.bodies.rest_body import RestBody, skinned
from das_mm.bodies.skeleton import PARENTS
from das_mm.bodies.skinning import forward_kinematics
from das_mm.structures.rotations import axis_angle_to_matrix

#: from camera axes (x right, y down, z forward) to those of a world without a ground
CAMERA_TO_Y_UP = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True, eq=False)
class PersonMotion:
    """One person in the T frames in which there is a body.

    Attributes:
        name: 'person_3'; no two of a clip share it.
        identity: The track's number; None in an image whose people nobody follows.
        frames: (T,) numbers of the frames, growing; 0 in an image.
        times_s: (T,).
        axis_angle: (T, 24, 3) rad: joint 0 from the body's frame to the world, the others against their parents.
        pelvis_m: (T, 3) the place of joint 0 in the world.
        betas: (B,) the shape, one for the whole clip.
        rest: The body of that shape.
        shape_spread_mm: Mean distance of the rest joints of the single frames' shapes from those of ``betas``: what is
            lost since a skeleton has bones of one length.
    """

    name: str
    identity: int | None
    frames: np.ndarray
    times_s: np.ndarray
    axis_angle: np.ndarray
    pelvis_m: np.ndarray
    betas: np.ndarray
    rest: RestBody
    shape_spread_mm: float = 0.0

    @property
    def translations_m(self) -> np.ndarray:
        """(T, 3) SMPL's translation, which moves the whole body and not the pelvis to a place."""
        return self.pelvis_m - self.rest.joints[0]

    @property
    def joints_m(self) -> np.ndarray:
        """(T, 24, 3) places of the joints in the world."""
        return self._posed(slice(None))[0] + self.translations_m[:, None]

    def surface_m(self, rows: slice) -> np.ndarray:
        """(T', V, 3) the surface in some frames, as files of motion skin it."""
        return skinned(self.rest, self._posed(rows)[1]) + self.translations_m[rows, None]

    def _posed(self, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Joints and transforms before they are moved to their place."""
        turns = axis_angle_to_matrix(self.axis_angle[rows])
        rest = np.broadcast_to(self.rest.joints, (len(turns), *self.rest.joints.shape))
        return forward_kinematics(turns, rest, np.array(PARENTS))


@dataclass(frozen=True, eq=False)
class World:
    """Where the camera stands.

    Attributes:
        rotation: (3, 3) from the camera frame (x right, y down, z forward) to the world.
        camera_m: (3,) place of the camera in the world.
        ground: What y = 0 is, in words; None where it is no ground.
    """

    rotation: np.ndarray
    camera_m: np.ndarray
    ground: str | None = None

    def points(self, camera_points_m: np.ndarray) -> np.ndarray:
        """Points (..., 3) m of the camera frame in the world."""
        return camera_points_m @ self.rotation.T + self.camera_m

    @property
    def camera_axes(self) -> np.ndarray:
        """(3, 3) from a camera that looks along -z with y up, as files of motion have it, to the world."""
        return self.rotation @ CAMERA_TO_Y_UP


#: the camera in the origin
CAMERA_WORLD = World(CAMERA_TO_Y_UP, np.zeros(3))


@dataclass(frozen=True, eq=False)
class ClipMotion:
    """The people of a video, or of an image.

    Attributes:
        name: Of the clip.
        people: Those who have a body somewhere, by identity.
        frames: (F,) the numbers of all frames of the clip, growing; [0] of an image.
        times_s: (F,); [0.0] of an image.
        fps: Frames a second; None of an image. Where they vary, the usual rate.
        has_steady_rate: Every frame lies where ``fps`` puts it.
        world: The world, and where the camera stands in it.
        K: (3, 3) px.
        image_size: (width, height) px.
        about: What else a file shall say of itself, JSON-like.
    """

    name: str
    people: Sequence[PersonMotion]
    frames: np.ndarray
    times_s: np.ndarray
    fps: float | None
    has_steady_rate: bool
    world: World
    K: np.ndarray
    image_size: tuple[int, int]
    about: Mapping[str, Any]

    @property
    def is_still(self) -> bool:
        """There is one moment only."""
        return len(self.frames) == 1

    def is_seen(self, person: PersonMotion) -> np.ndarray:
        """(F,) bool: the frames of the clip in which a person has a body."""
        return np.isin(self.frames, person.frames)


def runs(frames: np.ndarray) -> list[list[int]]:
    """Growing numbers as runs [first, last], both among them.

    Example:
        >>> runs(np.array([3, 4, 5, 9]))
        [[3, 5], [9, 9]]
    """
    cuts = np.flatnonzero(np.diff(frames) > 1)
    firsts, lasts = np.r_[0, cuts + 1], np.r_[cuts, len(frames) - 1]
    return [[int(frames[first]), int(frames[last])] for first, last in zip(firsts, lasts)] if len(frames) else []


def person_words(person: PersonMotion) -> dict[str, Any]:
    """What every format says of a person, JSON-like."""
    return dict(
        identity=person.identity,
        frames=runs(person.frames),
        betas=np.round(person.betas, 6).tolist(),
        shape_spread_mm=round(person.shape_spread_mm, 3),
    )


def clip_words(clip: ClipMotion) -> dict[str, Any]:
    """What every format says of a clip, JSON-like; lengths are metres."""
    return dict(
        clip=clip.name,
        frames=runs(clip.frames),
        frame_rate=clip.fps,
        steady_frame_rate=clip.has_steady_rate,
        ground=clip.world.ground,
        K=np.asarray(clip.K).tolist(),
        image_size=list(clip.image_size),
        camera_to_world=dict(rotation=clip.world.rotation.tolist(), translation_m=clip.world.camera_m.tolist()),
        **clip.about,
    )
