"""Where the shoulder and the elbow must turn for the wrist to be at a place: two bones, closed form."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from .joint_limits import angles_of_rotation
from .skeleton import JOINT_INDEX, rest_joints


def reach(
    side: str, wrist_m: np.ndarray, elbow_towards: np.ndarray, forearm_twist_deg: float = 0.0
) -> dict[str, np.ndarray]:
    """Angles of shoulder and elbow that bring a wrist to a place.

    Args:
        side: ``left`` or ``right``.
        wrist_m: (3,) wanted place of the wrist relative to the shoulder joint, in the frame of the chest (x left, y up,
            z forward); pulled in where the arm is too short.
        elbow_towards: (3,) direction in which the elbow shall stick out.
        forearm_twist_deg: Turn of the forearm about itself; positive turns the palm down, either side alike.

    Returns:
        ``{side}_shoulder``, ``{side}_elbow`` -> (3,) angles in degrees, as ``joint_limits`` defines them; not clipped.
    """
    sign = np.array([1.0 if side == 'left' else -1.0, 1.0, 1.0])  # solved for the left arm, mirrored for the right
    rest = rest_joints()
    shoulder, elbow, wrist = (rest[JOINT_INDEX[f'left_{part}']] for part in ('shoulder', 'elbow', 'wrist'))
    upper, fore = elbow - shoulder, wrist - elbow
    target, pole = np.asarray(wrist_m, float) * sign, np.asarray(elbow_towards, float) * sign
    length_upper, length_fore = np.linalg.norm(upper), np.linalg.norm(fore)
    distance = np.clip(
        np.linalg.norm(target), abs(length_upper - length_fore) + 0.05, 0.998 * (length_upper + length_fore)
    )
    inner = (length_upper**2 + length_fore**2 - distance**2) / (2 * length_upper * length_fore)
    # the rest pose is not quite straight
    straight = np.arccos(np.clip(upper @ fore / (length_upper * length_fore), -1, 1))
    bend = np.pi - np.arccos(np.clip(inner, -1, 1))
    bend_y = -max(bend - straight, 0.0)
    local = upper + Rotation.from_rotvec([0, bend_y, 0]).apply(fore)  # shoulder to wrist before the shoulder turns
    source = _frame(local, upper)
    wanted = _frame(target, pole)
    turn = Rotation.from_matrix(wanted @ source.T)
    angles = {
        'shoulder': angles_of_rotation('left_shoulder', turn),
        'elbow': np.array([forearm_twist_deg, np.degrees(bend_y), 0.0]),
    }
    mirror = np.array([1.0, sign[0], sign[0]])
    return {f'{side}_{joint}': values * mirror for joint, values in angles.items()}


def _frame(along: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """Orthonormal columns: along, the part of ``towards`` across it, and their cross product."""
    first = along / np.linalg.norm(along)
    second = towards - (towards @ first) * first
    if np.linalg.norm(second) < 1e-6:
        second = np.cross(first, [0.0, 0.0, 1.0])
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], axis=1)
