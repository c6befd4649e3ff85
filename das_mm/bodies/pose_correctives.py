"""Pose directions of the generated body: what linear blend skinning loses at a bent or twisted joint, given back.

Blending two rotation matrices linearly shrinks the flesh between them (collapsed elbows, "candy wrapper" wrists). Dual
quaternion skinning (Kavan et al. 2008) does not. For a joint that turns by angle a about axis n, a vertex of which a
share s follows is turned by a' = 2 atan2(s sin(a/2), 1 - s + s cos(a/2)) there. In the plane across n, written as
complex numbers, linear skinning multiplies by z = 1 - s + s exp(ia), so that the rest vertex must be multiplied by
exp(ia') / z beforehand to land in the right place. SMPL's format allows only corrections linear in vec(R - I): the nine
coefficients are fitted over a fixed fan of rotations. A bulge of the upper arm with the bent elbow is added in the same
features.
"""

from __future__ import annotations

import numpy as np

from das_mm.structures.rotations import axis_angle_to_matrix

from .skeleton import GROUND_Y_M, JOINT_INDEX, PARENTS

_ANGLES_DEG = (-100, -60, -25, 25, 60, 100)
_AXES = np.array(
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, -1, 0], [0, 1, 1], [0, 1, -1], [1, 0, 1], [1, 0, -1]], float
)
_STRENGTH = 0.75  # of the full correction: dual quaternions bulge where the linear blend shrinks
_RIDGE = 0.02  # keeps coefficients of features that vary together small


def pose_directions(vertices: np.ndarray, weights: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Pose directions in SMPL's order.

    Args:
        vertices: (V, 3) m, rest pose.
        weights: (V, 24) skinning weights.
        joints: (24, 3) m, rest joints.

    Returns:
        (V, 3, 207) m; column 9 (k - 1) + 3 i + j goes with element (i, j) of R_k - I.
    """
    shares = weights.astype(np.float64).copy()
    for joint in range(23, 0, -1):  # leaves first
        shares[:, PARENTS[joint]] += shares[:, joint]
    axes = _AXES / np.linalg.norm(_AXES, axis=1, keepdims=True)
    angles = np.radians(_ANGLES_DEG)
    fan = axis_angle_to_matrix((axes[:, None] * angles[:, None]).reshape(-1, 3))  # (S, 3, 3)
    features = (fan - np.eye(3)).reshape(-1, 9)
    solve = np.linalg.solve(features.T @ features + _RIDGE * len(features) * np.eye(9), features.T)  # (9, S)
    directions = np.zeros((len(vertices), 3, 23, 9))
    for joint in range(1, 24):
        touched = np.flatnonzero((shares[:, joint] > 0.004) & (shares[:, joint] < 0.996))
        if len(touched):
            offsets = _lost_by_blending(vertices[touched] - joints[joint], shares[touched, joint], axes, angles)
            directions[touched, :, joint - 1] = _STRENGTH * np.einsum('fs,spc->pcf', solve, offsets)
    for side, sign in (('left', 1), ('right', -1)):
        bulge = _upper_arm_bulge(vertices * [sign, 1, 1]) * weights[:, JOINT_INDEX[f'{side}_shoulder'], None]
        # 1 - cos of the bend about y is -(R_00 - 1) = -(R_22 - 1)
        for feature in (0, 8):
            directions[:, :, JOINT_INDEX[f'{side}_elbow'] - 1, feature] -= 0.5 * bulge * [sign, 1, 1]
    return directions.reshape(len(vertices), 3, 207)


def _lost_by_blending(relative: np.ndarray, share: np.ndarray, axes: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rest-pose corrections (axes x angles, P, 3) for points relative to the joint (P, 3) with shares (P,)."""
    half = 0.5 * angles[:, None]
    turned = 2 * np.arctan2(share * np.sin(half), 1 - share + share * np.cos(half))  # (A, P)
    factor = np.exp(1j * turned) / (1 - share + share * np.exp(2j * half))
    across = relative - (relative @ axes.T).T[..., None] * axes[:, None]  # (X, P, 3)
    beside = np.cross(axes[:, None], relative)
    offsets = (factor.real - 1)[None, ..., None] * across[:, None] + factor.imag[None, ..., None] * beside[:, None]
    return offsets.reshape(-1, *relative.shape)


def _upper_arm_bulge(vertices: np.ndarray) -> np.ndarray:
    """Shift of the left biceps for a bend of 90 degrees, (V, 3) m."""
    centre = np.array([0.315, 1.385 + GROUND_Y_M, 0.015])
    falloff = np.exp(-(((vertices - centre) / [0.055, 0.05, 0.04]) ** 2).sum(axis=1))
    return falloff[:, None] * [0.0, 0.0, 0.009]
