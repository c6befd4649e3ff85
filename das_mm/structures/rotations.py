"""Rotations of body poses in numpy, float64; for tensors and gradients see :mod:`.tensor_rotations`.

Matrices act on column vectors; axis-angle is in rad. ``*`` stands for any leading dimensions, none of them and
zero-sized ones included. A row that is not finite gives NaN in that row and leaves the others alone.
"""

from __future__ import annotations

import numpy as np

from .keypoint_sets import KEYPOINT_SETS

#: of SMPL's 24 joints: who takes whose place in the mirror
MIRROR_JOINTS: tuple[int, ...] = tuple(KEYPOINT_SETS['smpl24'].flip_indices)


def axis_angle_to_matrix(axis_angle: np.ndarray) -> np.ndarray:
    """Rodrigues' formula, (*, 3) to (*, 3, 3); exact at zero rotation, right beyond pi too.

    Example:
        >>> axis_angle_to_matrix(np.array([0., 0., np.pi / 2])).round(6) + 0.
        array([[ 0., -1.,  0.],
               [ 1.,  0.,  0.],
               [ 0.,  0.,  1.]])
    """
    axis_angle = np.asarray(axis_angle, np.float64)
    angle = np.linalg.norm(axis_angle, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(axis_angle, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    # sin(a)/a and (1-cos a)/a^2 through sinc, which is exact at zero
    return np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (cross @ cross)


def matrix_to_axis_angle(matrices: np.ndarray) -> np.ndarray:
    """Rotation matrices (*, 3, 3) to axis-angle (*, 3) with angles in [0, pi]; the inverse of Rodrigues' formula.

    At pi both signs of the axis are the same rotation, and either may come back. What is nearly a rotation is taken
    for the nearest one.

    Raises:
        ValueError: A matrix mirrors or flattens.
    """
    matrices = np.asarray(matrices, np.float64)
    rows = matrices.reshape(-1, 3, 3)
    finite = np.isfinite(rows).all((1, 2))
    vectors = np.full((len(rows), 3), np.nan)
    if finite.any():
        from scipy.spatial.transform import Rotation  # a second of imports, for those alone who turn matrices back

        vectors[finite] = Rotation.from_matrix(rows[finite]).as_rotvec()
    return vectors.reshape(*matrices.shape[:-2], 3)


def mirror_pose(axis_angle: np.ndarray) -> np.ndarray:
    """The pose (*, 24, 3) of a person seen in a mirror: x of the camera frame negated, left and right exchanged.

    SMPL's joints, root first. For a body whose shape is the same on both sides the mesh of the mirrored pose is the
    mirrored mesh.
    """
    return np.asarray(axis_angle, np.float64)[..., MIRROR_JOINTS, :] * [1.0, -1.0, -1.0]
