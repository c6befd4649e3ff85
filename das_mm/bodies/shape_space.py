"""The ten shape directions of the generated body, by formula.

Every direction is built from three kinds of change, blended with the skinning weights so that it is smooth and moves
the rest joints along: bones become longer, flesh grows away from the bones, and soft bumps come and go. Coefficients
are scaled so that an adult population has about unit variance: betas ~ N(0, 1).

    0 stature      whole body, 5.2 % each            5 muscles      limbs, chest, neck; waist slightly less
    1 weight       flesh everywhere, waist most      6 belly        forward
    2 legs         longer legs, shorter trunk        7 breast, hips breast, buttocks and thighs; waist less
    3 arms         longer arms                       8 head         larger head, shorter neck
    4 shoulders    broader shoulders, slimmer hips   9 hands, feet  larger
"""

from __future__ import annotations

import numpy as np

from .skeleton import GROUND_Y_M, JOINT_NAMES, PARENTS, rest_joints

NUM_BETAS = 10
STATURE_PER_BETA = 0.052  # relative change of the whole body for one unit of beta 0

#: where the files of the three genders lie in the shape space of the neutral body
GENDER_BETAS: dict[str, tuple[float, ...]] = {
    'neutral': (0.0,) * NUM_BETAS,
    'male': (0.55, 0.1, 0.0, 0.2, 0.9, 0.8, 0.1, -1.2, 0.0, 0.3),
    'female': (-0.75, -0.1, 0.0, -0.2, -0.8, -0.7, -0.1, 1.0, 0.0, -0.4),
}

# Bones by the joint they begin at; values are relative changes for one unit of the beta.
_STRETCH: dict[int, dict[str, float]] = {
    2: {'hip': 0.040, 'knee': 0.040, 'pelvis': -0.025, 'spine1': -0.025, 'spine2': -0.025, 'spine3': -0.025},
    3: {'shoulder': 0.040, 'elbow': 0.040},
    8: {'neck': -0.05},
}
_GIRTH: dict[int, dict[str, float]] = {
    1: {
        'pelvis': 0.085,
        'spine1': 0.115,
        'spine2': 0.105,
        'spine3': 0.085,
        'collar': 0.060,
        'neck': 0.060,
        'hip': 0.090,
        'knee': 0.060,
        'shoulder': 0.090,
        'elbow': 0.055,
        'wrist': 0.020,
        'ankle': 0.015,
        'head': 0.012,
    },
    5: {
        'shoulder': 0.070,
        'elbow': 0.050,
        'collar': 0.070,
        'spine3': 0.040,
        'neck': 0.050,
        'hip': 0.040,
        'knee': 0.045,
        'spine1': -0.020,
    },
    7: {
        'pelvis': 0.025,
        'hip': 0.030,
        'spine1': -0.030,
        'spine2': -0.035,
        'neck': -0.035,
        'shoulder': -0.025,
        'elbow': -0.025,
        'collar': -0.02,
    },
}
_SCALE: dict[int, dict[str, float]] = {8: {'head': 0.060}, 9: {'wrist': 0.050, 'ankle': 0.050}}
# (centre in the ground frame, m; radii, m; shift, m), all mirrored to the right side
_BUMPS: dict[int, list[tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]]] = {
    6: [
        ((0.0, 1.060, 0.110), (0.13, 0.11, 0.12), (0.0, -0.004, 0.022)),
        ((0.12, 1.050, 0.0), (0.06, 0.08, 0.10), (0.008, 0.0, 0.0)),
    ],
    7: [
        ((0.080, 1.275, 0.100), (0.062, 0.060, 0.060), (0.002, -0.002, 0.0125)),
        ((0.075, 0.890, -0.110), (0.060, 0.070, 0.060), (0.0, 0.0, -0.009)),
        ((0.160, 0.880, 0.0), (0.050, 0.090, 0.090), (0.007, 0.0, 0.0)),
    ],
}
_SHOULDERS_M = 0.010  # half the change of the breadth of the shoulders, and of the hips the other way, for one beta 4


def _bare(name: str) -> str:
    return name.removeprefix('left_').removeprefix('right_')


def _bone_axes(joints: np.ndarray) -> np.ndarray:
    """Unit direction of the bone at each joint, (24, 3): towards its main child, else away from its parent."""
    main_child = {0: 3, 9: 12}
    axes = np.zeros((24, 3))
    for joint in range(24):
        children = [c for c, parent in enumerate(PARENTS) if parent == joint]
        child = main_child.get(joint, children[0] if children else None)
        axes[joint] = joints[child] - joints[joint] if child is not None else joints[joint] - joints[PARENTS[joint]]
    return axes / np.linalg.norm(axes, axis=1, keepdims=True)


def _table(entries: dict[str, float]) -> np.ndarray:
    return np.array([entries.get(_bare(name), 0.0) for name in JOINT_NAMES])


def displacements(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How points that follow the joints by ``weights`` move with each beta.

    Args:
        points: (P, 3) m, template frame.
        weights: (P, 24), rows sum to 1.

    Returns:
        (P, 3, 10) m for one unit of each beta.
    """
    joints = rest_joints()
    axes = _bone_axes(joints)
    relative = points[:, None] - joints  # (P, 24, 3)
    along = (relative * axes).sum(-1, keepdims=True) * axes
    across = relative - along
    # heads and feet grow thicker, not taller
    across[:, [i for i, name in enumerate(JOINT_NAMES) if _bare(name) in ('head', 'ankle', 'foot')], 1] = 0
    result = np.zeros((len(points), 3, NUM_BETAS))
    for beta in range(NUM_BETAS):
        stretch, girth, scale = (_table(table.get(beta, {})) for table in (_STRETCH, _GIRTH, _SCALE))
        moved = np.zeros((24, 3))  # what the bones before a joint push it by
        for joint in range(1, 24):
            parent = PARENTS[joint]
            bone = joints[joint] - joints[parent]
            moved[joint] = moved[parent] + stretch[parent] * (bone @ axes[parent]) * axes[parent] + scale[parent] * bone
        result[:, :, beta] = weights @ moved
        for factors, vectors in ((stretch, along), (girth, across), (scale, relative)):
            used = np.flatnonzero(factors)
            result[:, :, beta] += np.einsum('pk,pkc->pc', weights[:, used] * factors[used], vectors[:, used])
        result[:, :, beta] += _bumps(points, _BUMPS.get(beta, []))
    result[:, :, 0] += STATURE_PER_BETA * points
    result[:, 0, 4] += _breadth(points)
    return result


def _bumps(points: np.ndarray, bumps: list) -> np.ndarray:
    total = np.zeros_like(points)
    for centre, radii, shift in bumps:
        for side in (1, -1) if centre[0] else (1,):
            mirror = np.array([side, 1, 1])
            centre_here = np.array(centre) * mirror + [0, GROUND_Y_M, 0]
            falloff = np.exp(-((points - centre_here) ** 2 / np.array(radii) ** 2).sum(axis=1))
            total += falloff[:, None] * np.array(shift) * mirror
    return total


def _breadth(points: np.ndarray) -> np.ndarray:
    """Sideways shift for beta 4: shoulders and arms outward, hips and legs inward, nothing at the midline."""
    x, y = points[:, 0], points[:, 1] - GROUND_Y_M
    side = np.tanh(x / 0.10)
    high = 1 / (1 + np.exp(-(y - 1.24) / 0.05))
    low = 1 / (1 + np.exp((y - 1.02) / 0.04))
    head = 1 / (1 + np.exp((y - 1.455) / 0.015))  # the head keeps its breadth
    return _SHOULDERS_M * side * (high * head - 0.6 * low * np.clip(y / 0.9, 0.25, 1))


def shape_directions(vertices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Shape directions of the vertices, (V, 3, 10) m."""
    return displacements(vertices, weights)


def joint_directions() -> np.ndarray:
    """How the rest joints should follow the betas, (24, 3, 10) m."""
    # a joint is where two bones meet: it follows its parent's bone, whose end it is
    follow = np.eye(24)
    return displacements(rest_joints(), follow)
