"""How HMR's family cuts a person out of an image, and what its augmentation does to points and SMPL parameters.

A crop is a square of ``side`` px about ``center``, turned by ``rotation_deg`` and shown at ``crop_px``. With the turn
R = R_z(-rotation) and the mirror F = diag(-1, 1, 1), the camera frame becomes F·R (GraphCMR and SPIN: the crop with its
rotation first, the flip after) or R·F (ProHMR: flip first); both are told by ``flip_after_rotation``. Pixels as
everywhere: (0, 0) is the centre of the first pixel. Numpy, float64.
"""

from __future__ import annotations

import numpy as np

from .rotations import axis_angle_to_matrix, matrix_to_axis_angle, mirror_pose

MIRROR = np.diag([-1.0, 1.0, 1.0])


def turn_about_axis(rotation_deg: float) -> np.ndarray:
    """R_z(-rotation), (3, 3): what turns 3D points along with an image that is turned counter-clockwise as seen."""
    angle = np.deg2rad(-rotation_deg)
    sin, cos = np.sin(angle), np.cos(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def crop_matrix(center: np.ndarray, side: float, crop_px: int, frame: np.ndarray | None = None) -> np.ndarray:
    """(2, 3) from px of the image to places in the crop from 0 to ``crop_px``, its centre at crop_px / 2.

    2x / crop_px - 1 of such a place is the crop's [-1, 1]; its pixel is the place less a half (:func:`crop_warp`).

    Args:
        center: (2,) px of the image.
        side: Of the square, px of the image.
        crop_px: Of the crop.
        frame: (3, 3), the turn and mirror of :func:`crop_frame` or :func:`turn_about_axis`; none by default.

    Example:
        >>> crop_matrix(np.array([60.0, 40.0]), 20.0, 10)
        array([[  0.5,   0. , -25. ],
               [  0. ,   0.5, -15. ]])
    """
    linear = crop_px / side * (np.eye(2) if frame is None else frame[:2, :2])
    return np.concatenate([linear, (crop_px / 2 - linear @ center)[:, None]], axis=1)


def crop_warp(center: np.ndarray, side: float, crop_px: int, frame: np.ndarray | None = None) -> np.ndarray:
    """(2, 3) from px of the image to px of the crop; arguments as of :func:`crop_matrix`."""
    warp = crop_matrix(center, side, crop_px, frame)
    warp[:, 2] -= 0.5
    return warp


def whole_crop_pixels(places: np.ndarray) -> np.ndarray:
    """What GraphCMR and SPIN make of places in the crop (their labels have no fractions): trunc(place) + 1.

    Example:
        >>> whole_crop_pixels(np.array([3.7, -0.4])).tolist()
        [4.0, 1.0]
    """
    return np.trunc(places) + 1


def crop_frame(rotation_deg: float, flip: bool, flip_after_rotation: bool) -> np.ndarray:
    """(3, 3): the camera frame of the image to that of the crop, F·R or R·F."""
    turn = turn_about_axis(rotation_deg)
    if not flip:
        return turn
    return MIRROR @ turn if flip_after_rotation else turn @ MIRROR


def augment_pose(pose: np.ndarray, rotation_deg: float, flip: bool, flip_after_rotation: bool) -> np.ndarray:
    """SMPL's pose (24, 3) rad of the image's frame as it is seen in the crop; angles in [0, pi]."""
    pose = np.array(pose, np.float64)
    if flip and not flip_after_rotation:
        pose = mirror_pose(pose)
    if rotation_deg:
        pose[0] = matrix_to_axis_angle(turn_about_axis(rotation_deg) @ axis_angle_to_matrix(pose[0]))
    return mirror_pose(pose) if flip and flip_after_rotation else pose


def restore_pose(pose: np.ndarray, rotation_deg: float, flip: bool, flip_after_rotation: bool) -> np.ndarray:
    """The inverse of :func:`augment_pose`: the same steps backwards, the turn the other way.

    The root comes back as the same rotation, maybe as another vector (an angle beyond pi is folded).
    """
    # what was done last is undone first: the same steps in the other order, the turn the other way
    return augment_pose(pose, -rotation_deg, flip, not flip_after_rotation)
