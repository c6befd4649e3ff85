"""The 24-joint kinematic tree of SMPL: names, parents, mirror pairs and the rest places of the generated body.

Frame of the body: x to the person's LEFT, y up, z forward (out of the chest), metres. Names and parents are SMPL's; the
rest places are our own, from the segment lengths of standard anthropometric tables for a stature of 1.70 m.
"""

from __future__ import annotations

import numpy as np

JOINT_NAMES: tuple[str, ...] = (
    'pelvis',
    'left_hip',
    'right_hip',
    'spine1',
    'left_knee',
    'right_knee',
    'spine2',
    'left_ankle',
    'right_ankle',
    'spine3',
    'left_foot',
    'right_foot',
    'neck',
    'left_collar',
    'right_collar',
    'head',
    'left_shoulder',
    'right_shoulder',
    'left_elbow',
    'right_elbow',
    'left_wrist',
    'right_wrist',
    'left_hand',
    'right_hand',
)
PARENTS: tuple[int, ...] = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
JOINT_INDEX: dict[str, int] = {name: index for index, name in enumerate(JOINT_NAMES)}

#: y of the ground under the feet of the template: like SMPL's, the origin lies in the chest.
GROUND_Y_M = -1.175

# Left side and midline, y measured from the ground.
_LEFT_AND_MIDDLE = {
    'pelvis': (0.0, 0.955, -0.010),
    'spine1': (0.0, 1.060, -0.020),
    'spine2': (0.0, 1.180, -0.015),
    'spine3': (0.0, 1.240, -0.015),
    'neck': (0.0, 1.450, -0.035),
    'head': (0.0, 1.530, 0.0),
    'left_hip': (0.080, 0.880, 0.0),
    'left_knee': (0.100, 0.480, 0.0),
    'left_ankle': (0.102, 0.080, -0.030),
    'left_foot': (0.112, 0.022, 0.095),
    'left_collar': (0.070, 1.375, -0.020),
    'left_shoulder': (0.170, 1.395, -0.025),
    'left_elbow': (0.425, 1.378, -0.030),
    'left_wrist': (0.670, 1.368, -0.020),
    'left_hand': (0.755, 1.362, -0.015),
}


def mirror_name(name: str) -> str:
    """``left_x`` for ``right_x`` and the other way round; names of the midline stay."""
    if name.startswith('left_'):
        return 'right_' + name.removeprefix('left_')
    return 'left_' + name.removeprefix('right_') if name.startswith('right_') else name


def rest_joints() -> np.ndarray:
    """Rest places of the joints, (24, 3) m in the template's frame (origin in the chest)."""
    joints = np.empty((24, 3))
    for index, name in enumerate(JOINT_NAMES):
        if name.startswith('right_'):
            x, y, z = _LEFT_AND_MIDDLE[mirror_name(name)]
            x = -x
        else:
            x, y, z = _LEFT_AND_MIDDLE[name]
        joints[index] = x, y + GROUND_Y_M, z
    return joints
