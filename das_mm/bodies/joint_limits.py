"""Anatomical angles of the 23 body joints and how far they go.

A rotation is split into *swing* and *twist*, R = Swing · Twist: the twist turns about the bone's own axis (x for the
arms, which point sideways at rest; y for the rest), the swing moves the bone by the shortest way (a rotation vector
without a part along that axis). The three numbers of a joint, *angles* (x, y, z) in degrees, are the twist in the place
of the bone's axis and the swing in the two others. Unlike axis-angle components they can be limited one by one.

Signs (left side; y and z change sign on the right):
    spine, neck, head   x > 0 bows forward, y > 0 turns left, z > 0 leans to the right
    shoulder, elbow     z < 0 lowers the arm, y < 0 brings it forward, x > 0 turns the thumb down; elbow y < 0 bends
    hip, knee, ankle    x < 0 lifts the thigh, z > 0 spreads, y > 0 turns out; knee x > 0 bends; ankle x > 0 points the
    toes
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from .skeleton import JOINT_NAMES, mirror_name

#: (low, high) in degrees about x, y, z for joints of the midline and the left side
_LEFT_LIMITS_DEG: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    'spine1': ((-18, 40), (-22, 22), (-20, 20)),
    'spine2': ((-14, 32), (-20, 20), (-16, 16)),
    'spine3': ((-12, 26), (-16, 16), (-12, 12)),
    'neck': ((-28, 35), (-38, 38), (-22, 22)),
    'head': ((-25, 28), (-38, 38), (-20, 20)),
    'left_collar': ((-10, 10), (-28, 16), (-12, 35)),
    'left_shoulder': ((-80, 100), (-140, 50), (-100, 100)),
    'left_elbow': ((-85, 85), (-150, 2), (-5, 5)),
    'left_wrist': ((-15, 15), (-28, 28), (-65, 65)),
    'left_hand': ((-8, 8), (-10, 10), (-40, 20)),
    'left_hip': ((-130, 35), (-45, 45), (-28, 55)),
    'left_knee': ((-2, 150), (-20, 20), (-5, 5)),
    'left_ankle': ((-32, 52), (-25, 25), (-20, 20)),
    'left_foot': ((-55, 25), (-5, 5), (-5, 5)),
}

_MIRROR = np.array([1.0, -1.0, -1.0])


def _full_table() -> np.ndarray:
    table = np.empty((23, 3, 2))
    for row, name in enumerate(JOINT_NAMES[1:]):
        right = name.startswith('right_')
        limits = np.array(_LEFT_LIMITS_DEG[mirror_name(name) if right else name], float)
        table[row] = np.sort(limits * _MIRROR[:, None], axis=1) if right else limits
    return table


#: name -> (3, 2) degrees: low and high about x, y, z of every joint but the pelvis
JOINT_LIMITS_DEG: dict[str, np.ndarray] = dict(zip(JOINT_NAMES[1:], _full_table()))

_LIMITS = _full_table()
_ARM = ('collar', 'shoulder', 'elbow', 'wrist', 'hand')
_BONE_AXES = np.array([np.eye(3)[0 if name.rpartition('_')[2] in _ARM else 1] for name in JOINT_NAMES[1:]])


def pose_from_angles(angles_deg: np.ndarray) -> np.ndarray:
    """Angles (*, 23, 3) degrees -> body pose (*, 23, 3) axis-angle, rad."""
    angles = np.radians(angles_deg)
    twist = angles * _BONE_AXES
    swing = angles - twist
    combined = Rotation.from_rotvec(swing.reshape(-1, 3)) * Rotation.from_rotvec(twist.reshape(-1, 3))
    return combined.as_rotvec().reshape(angles.shape)


def angles_from_pose(body_pose: np.ndarray) -> np.ndarray:
    """Body pose (*, 23, 3) axis-angle, rad -> angles (*, 23, 3) degrees; inverse of ``pose_from_angles``."""
    shape = np.shape(body_pose)
    axes = np.broadcast_to(_BONE_AXES, shape).reshape(-1, 3)
    return np.degrees(_swing_twist(Rotation.from_rotvec(np.reshape(body_pose, (-1, 3))), axes)).reshape(shape)


def about(axis: str, degrees: float | np.ndarray) -> Rotation:
    """Rotation about one coordinate axis, or several for an array (N,) of angles."""
    return Rotation.from_rotvec(np.multiply.outer(np.radians(degrees), np.eye(3)['xyz'.index(axis)]))


def angles_of_rotation(joint: str, rotation: Rotation) -> np.ndarray:
    """Angles of one joint's rotation or rotations, (3,) or (N, 3) degrees."""
    quaternions = rotation.as_quat()
    axes = np.broadcast_to(_BONE_AXES[JOINT_NAMES.index(joint) - 1], (*quaternions.shape[:-1], 3)).reshape(-1, 3)
    angles = np.degrees(_swing_twist(Rotation.from_quat(quaternions.reshape(-1, 4)), axes))
    return angles.reshape(*quaternions.shape[:-1], 3)


def _swing_twist(rotation: Rotation, axes: np.ndarray) -> np.ndarray:
    quaternion = rotation.as_quat()  # (N, 4) x, y, z, w
    along = (quaternion[:, :3] * axes).sum(axis=1)
    twist = 2 * np.arctan2(along, quaternion[:, 3])
    twist = ((twist + np.pi) % (2 * np.pi) - np.pi)[:, None] * axes
    swing = (rotation * Rotation.from_rotvec(twist).inv()).as_rotvec()
    return swing - (swing * axes).sum(axis=1, keepdims=True) * axes + twist


def clip_angles(angles_deg: np.ndarray) -> np.ndarray:
    """Angles (*, 23, 3) degrees moved into the limits."""
    return np.clip(angles_deg, _LIMITS[..., 0], _LIMITS[..., 1])


def within_limits(body_pose: np.ndarray, tolerance_deg: float = 0.01) -> np.ndarray:
    """Whether every joint keeps its limits: (*, 23, 3) axis-angle, rad -> (*) bool."""
    angles = angles_from_pose(body_pose)
    inside = (angles >= _LIMITS[..., 0] - tolerance_deg) & (angles <= _LIMITS[..., 1] + tolerance_deg)
    return inside.all(axis=(-2, -1))
