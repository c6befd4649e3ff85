"""Weak-perspective cameras (s, tx, ty) of one person's crop, as GraphCMR, SPIN and ProHMR predict them.

Pure functions on numpy arrays and torch tensors alike. Frames: x right, y down, z forward, METRES, untranslated body;
the crop is square, its coordinates in [-1, 1] from side to side. All three share the meaning of s and t: GraphCMR shows
a point at s·(X + tx), s·(Y + ty) of the crop (:func:`project_scaled`); SPIN and ProHMR put the body at
(tx, ty, 2f / (crop_px·s)) before a camera of f = 5000 px and project in perspective (:func:`project_crop`). ``*``
stands for any leading dimensions.
"""

from __future__ import annotations

from typing import Any

from .cameras import Array, project, stack_columns

#: focal length of SPIN's and ProHMR's camera, px of a crop of 224
CROP_FOCAL_PX = 5000.0
#: side of their crops, px
CROP_PX = 224
_EPSILON = 1e-9  # of the released code: a scale of 0 gives a far body, not a division by 0


def project_scaled(points: Array, camera: Array) -> Array:
    """GraphCMR's projection of points (*, N, 3) m by cameras (*, 3): s·(X_xy + t), (*, N, 2) in [-1, 1] of the crop.

    Example:
        >>> import numpy as np
        >>> project_scaled(np.array([[0.5, -0.5, 3.0]]), np.array([0.8, 0.0, 0.1]))
        array([[ 0.4 , -0.32]])
    """
    return camera[..., None, :1] * (points[..., :2] + camera[..., None, 1:])


def camera_translation(camera: Array, crop_px: float = CROP_PX, focal: float = CROP_FOCAL_PX) -> Array:
    """Where SPIN's and ProHMR's camera (*, 3) puts the body: (tx, ty, 2f / (crop_px·s)), (*, 3) m.

    Example:
        >>> import numpy as np
        >>> camera_translation(np.array([0.9, 0.0, 0.1])).round(3)
        array([ 0.   ,  0.1  , 49.603])
    """
    return stack_columns([camera[..., 1], camera[..., 2], 2 * focal / (crop_px * camera[..., 0] + _EPSILON)])


def translation_camera(translation: Array, crop_px: float = CROP_PX, focal: float = CROP_FOCAL_PX) -> Array:
    """The camera (*, 3) of a translation (*, 3) m: the inverse of :func:`camera_translation`."""
    return stack_columns([2 * focal / (crop_px * translation[..., 2]), translation[..., 0], translation[..., 1]])


def project_crop(points: Array, translation: Array, crop_px: float = CROP_PX, focal: float = CROP_FOCAL_PX) -> Array:
    """Points (*, N, 3) m seen in perspective about the crop's centre after a translation (*, 3) m.

    Returns:
        (*, N, 2) in [-1, 1] of the crop; ProHMR's [-0.5, 0.5] is half of it, crop pixels about the centre crop_px/2
        times it.
    """
    moved = points + translation[..., None, :]
    return moved[..., :2] / moved[..., 2:] * (2 * focal / crop_px)


def full_frame_translation(camera: Array, box_center: Array, box_side: Array, K: Array) -> Array:
    """Where the body stands before the camera of the whole image, so that it fills the same part of the box there.

    z = 2f / (box_side·s), and the offset of the box from the principal point is added in metres at that depth (ProHMR's
    camera of the full frame, for any intrinsics).

    Args:
        camera: (*, 3), (s, tx, ty).
        box_center: (*, 2) px of the image.
        box_side: (*), px of the image: the square that was cropped.
        K: (*, 3, 3), px of the image; one focal length is taken from each of its two rows.

    Returns:
        (*, 3) m, camera frame of the image.
    """
    depth: Any = 2 * K[..., 0, 0] / (box_side * camera[..., 0] + _EPSILON)
    x = camera[..., 1] + (box_center[..., 0] - K[..., 0, 2]) * depth / K[..., 0, 0]
    y = camera[..., 2] + (box_center[..., 1] - K[..., 1, 2]) * depth / K[..., 1, 1]
    return stack_columns([x, y, depth])


def full_frame_camera(translation: Array, box_center: Array, box_side: Array, K: Array) -> Array:
    """The camera (*, 3) of a translation (*, 3) m: the inverse of :func:`full_frame_translation`.

    Example:
        >>> import numpy as np
        >>> K, box = np.diag([800.0, 800.0, 1.0]), (np.array([300.0, 200.0]), np.array(150.0))
        >>> place = full_frame_translation(np.array([0.9, 0.1, -0.2]), *box, K)
        >>> full_frame_camera(place, *box, K).round(6)
        array([ 0.9,  0.1, -0.2])
    """
    depth = translation[..., 2]
    x = translation[..., 0] - (box_center[..., 0] - K[..., 0, 2]) * depth / K[..., 0, 0]
    y = translation[..., 1] - (box_center[..., 1] - K[..., 1, 2]) * depth / K[..., 1, 1]
    return stack_columns([2 * K[..., 0, 0] / (box_side * depth), x, y])


def project_full_frame(points: Array, translation: Array, K: Array) -> Array:
    """Points (*, N, 3) m at a translation (*, 3) m to pixels (*, N, 2) of the image with K (*, 3, 3)."""
    return project(points + translation[..., None, :], K[..., None, :, :])
