"""Arrays that several formats of motion want."""

from __future__ import annotations

import numpy as np

from .clip_motion import ClipMotion, PersonMotion

_GROUND_MARGIN_M = 1.5
_LINEAR_BELOW = 0.04045  # of sRGB (IEC 61966-2-1)


def quaternions(rotations: np.ndarray) -> np.ndarray:
    """Unit quaternions (T, 4) as x, y, z, w, each on the side of the one before, so that what lies between two is the
    short way.

    Args:
        rotations: (T, 3) axis times angle, rad, or (T, 3, 3) matrices.
    """
    from scipy.spatial.transform import Rotation  # half a second, for those who export

    make = Rotation.from_rotvec if rotations.ndim == 2 else Rotation.from_matrix
    turns = make(rotations).as_quat()
    against = (turns[1:] * turns[:-1]).sum(axis=1) < 0
    turns[1:][np.cumsum(against) % 2 == 1] *= -1
    return turns


def visible_from(clip: ClipMotion, person: PersonMotion) -> tuple[np.ndarray, np.ndarray]:
    """When a person comes and goes.

    Returns:
        (E,) times, s, the clip's first among them, and (E,) bool whether the person is there from then on.
    """
    seen = clip.is_seen(person)
    changes = np.r_[0, np.flatnonzero(np.diff(seen)) + 1]
    return clip.times_s[changes], seen[changes]


def ground_square(clip: ClipMotion) -> tuple[np.ndarray, np.ndarray]:
    """(4, 3) corners of a piece of the ground beneath everybody and the camera, m, and (2, 3) its triangles, seen from
    above."""
    places = np.concatenate([clip.world.camera_m[None], *(person.pelvis_m for person in clip.people)])
    (left, back), (right, front) = (
        places[:, [0, 2]].min(0) - _GROUND_MARGIN_M,
        places[:, [0, 2]].max(0) + _GROUND_MARGIN_M,
    )
    corners = np.array([[left, 0, back], [left, 0, front], [right, 0, front], [right, 0, back]])
    return corners, np.array([[0, 1, 2], [0, 2, 3]])


def linear_color(color: tuple[int, int, int]) -> tuple[float, float, float]:
    """A colour of the screen (0 to 255) as parts of light (0 to 1), which materials are told in."""
    parts = np.array(color) / 255
    red, green, blue = np.where(parts <= _LINEAR_BELOW, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4).tolist()
    return red, green, blue
