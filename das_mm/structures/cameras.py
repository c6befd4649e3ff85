"""Pinhole cameras with lens distortion, as pure functions on numpy arrays and torch tensors alike.

Camera frame: x right, y down, z forward, mm. Pixels: origin at the CENTRE of the top-left pixel. ``K`` is 3×3, upper
triangular, of the image at hand; ``dist`` is OpenCV's (k1, k2, p1, p2, k3). ``*`` stands for any leading dimensions; a
``K`` of shape (*, 3, 3) broadcasts against those of the points, so points (B, N, 3) take a K of (B, 1, 3, 3).
"""

from __future__ import annotations

import math
import reprlib
import sys
from typing import Any, TypeVar

import numpy as np

from das_mm.errors import UserError

#: a numpy array or a torch tensor; type checkers cannot tell which of the two an expression on it gives
Array = TypeVar('Array', bound=Any)

# of the longer image side, where nothing is known about a camera: about that of a phone's main lens or a 35 mm lens
DEFAULT_FOV_DEG = 55.0

_UNDISTORT_STEPS = 10  # Newton; four reach 1e-9 inside the field of view of the lenses met so far


def project(points_cam_mm: Array, K: Array, dist: Array | None = None) -> Array:
    """Camera-space points (*, 3) mm to pixels (*, 2); z must not be 0.

    Example:
        >>> import numpy as np
        >>> K = np.array([[1000., 0, 320], [0, 1000, 240], [0, 0, 1]])
        >>> project(np.array([100., -50, 2000]), K)
        array([370., 215.])
    """
    x = points_cam_mm[..., 0] / points_cam_mm[..., 2]
    y = points_cam_mm[..., 1] / points_cam_mm[..., 2]
    if dist is not None:
        x, y = _distort(x, y, dist)
    return stack_columns([K[..., 0, 0] * x + K[..., 0, 1] * y + K[..., 0, 2], K[..., 1, 1] * y + K[..., 1, 2]])


def back_project(points_px: Array, depth_mm: Array, K: Array, dist: Array | None = None) -> Array:
    """Pixels (*, 2) at camera depths (*) mm to camera-space points (*, 3) mm; undoes the distortion where given.

    Example:
        >>> import numpy as np
        >>> K = np.array([[1000., 0, 320], [0, 1000, 240], [0, 0, 1]])
        >>> back_project(np.array([370., 215]), np.array(2000.), K)
        array([ 100.,  -50., 2000.])
    """
    y = (points_px[..., 1] - K[..., 1, 2]) / K[..., 1, 1]
    x = (points_px[..., 0] - K[..., 0, 2] - K[..., 0, 1] * y) / K[..., 0, 0]
    if dist is not None:
        x, y = _undistort(x, y, dist)
    return stack_columns([x * depth_mm, y * depth_mm, depth_mm + 0 * x])


def focal_px(K: Array) -> Array:
    """The one focal length of a camera (*, 3, 3): sqrt(fx·fy) px, (*); unchanged by rotating or mirroring the image."""
    return (K[..., 0, 0] * K[..., 1, 1]) ** 0.5


def warp_points(points_px: Array, warp: Array) -> Array:
    """Applies a 2×3 affine map to pixels (*, 2)."""
    return points_px @ warp[:, :2].T + warp[:, 2]


def weak_perspective(points: Array, scale: Array, root_px: Array) -> Array:
    """Scaled orthographic view: points (*, N, 3) about their root to pixels (*, N, 2).

    All of a person is shown at the size that its root has; z is not looked at.

    Args:
        points: Camera axes, the root at the origin, any unit.
        scale: (*), px for one unit of ``points``.
        root_px: (*, 2), where the root is seen.

    Example:
        >>> weak_perspective(np.array([[0.5, -1, 0.3]]), np.array(100.), np.array([320., 240]))
        array([[370., 140.]])
    """
    return root_px[..., None, :] + scale[..., None, None] * points[..., :2]


def weak_perspective_depth(scale: Array, focal: Array) -> Array:
    """Depth (*) at which a camera of ``focal`` px (:func:`focal_px`) shows things at ``scale`` px a unit, in that unit.

    There :func:`project` and :func:`weak_perspective` agree on all points of the root's depth.
    """
    return focal / scale


def warp_scale(warp: np.ndarray) -> float:
    """How much longer lengths become under a 2×3 map, the geometric mean of both directions: sqrt(|det|).

    The focal length grows by it too: ``focal_px(transform_intrinsics(K, warp)) == warp_scale(warp) * focal_px(K)``.
    """
    return math.sqrt(abs(np.linalg.det(warp[:, :2])))


def compose_warps(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The 2×3 map that applies ``first`` and then ``second``."""
    return np.concatenate([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2:] + second[:, 2:]], axis=1)


def invert_warp(warp: np.ndarray) -> np.ndarray:
    """Inverse of a 2×3 affine map."""
    inverse = np.linalg.inv(warp[:, :2])
    return np.concatenate([inverse, -inverse @ warp[:, 2:]], axis=1)


def transform_camera(K: np.ndarray, warp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The camera that sees a warped image.

    The warped image of points P is the image of Q·P under K': ``warp(K·P) = K'·Q·P``. Q turns or mirrors about the
    optical axis, so depths stay; K' is upper triangular with positive focal lengths.

    Args:
        K: (3, 3) of the image before the warp.
        warp: (2, 3) map of pixels, old to new; may contain a mirror.

    Returns:
        K' (3, 3) and Q (3, 3) orthogonal.

    Raises:
        ValueError: The warp squeezes the image to a line.
    """
    linear = warp[:, :2] @ K[:2, :2]
    fy_new = math.hypot(*linear[1])
    determinant = linear[0, 0] * linear[1, 1] - linear[0, 1] * linear[1, 0]
    if fy_new == 0 or determinant == 0:
        raise ValueError(f'the warp {warp.tolist()} is singular')
    # RQ decomposition: the last row of Q is that of the product, normalised; the first is perpendicular to it
    sin, cos = linear[1] / fy_new
    side = math.copysign(1.0, determinant)
    Q = np.array([[side * cos, -side * sin, 0], [sin, cos, 0], [0, 0, 1]])
    K_new = np.eye(3)
    K_new[:2, :2] = linear @ Q[:2, :2].T
    K_new[1, 0] = 0  # rounding
    K_new[:2, 2] = warp_points(K[:2, 2], warp)
    return K_new, Q


def transform_intrinsics(K: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """Only the intrinsics (3, 3) of :func:`transform_camera`."""
    return transform_camera(K, warp)[0]


def default_intrinsics(width: int, height: int, fov_deg: float = DEFAULT_FOV_DEG) -> np.ndarray:
    """Intrinsics (3, 3) for an image of unknown camera: ``fov_deg`` is the field of view along the LONGER image side.

    The principal point is the image centre; pixels are square.
    """
    if not 0 < fov_deg < 180:
        raise UserError(
            f'a field of view of {fov_deg}° is impossible',
            field='fov',
            remedy='give degrees between 0 and 180, along the longer image side',
        )
    focal = max(width, height) / 2 / math.tan(math.radians(fov_deg) / 2)
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])


def check_intrinsics(K, *, file=None, field: str | None = None) -> np.ndarray:
    """Returns K as (3, 3) float64.

    Raises:
        UserError: K is not 3×3, not finite, singular, without positive focal lengths or not upper triangular.
    """
    remedy = 'give [[fx, skew, cx], [0, fy, cy], [0, 0, 1]] in pixels with fx, fy > 0, or leave the camera out'
    try:
        K = np.asarray(K, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):  # the last of numbers of hundreds of digits
        told = reprlib.repr(K)
        raise UserError(
            f'the intrinsics {told} are not a 3×3 matrix of numbers', file=file, field=field, remedy=remedy
        ) from None
    problem = None
    if K.shape != (3, 3):
        problem = f'the intrinsics have shape {K.shape}, not (3, 3)'
    elif not np.isfinite(K).all():
        problem = f'the intrinsics hold NaN or infinity: {K.tolist()}'
    elif K[0, 0] * K[1, 1] == 0:
        problem = f'the intrinsics are singular: {K.tolist()}'
    elif K[0, 0] < 0 or K[1, 1] < 0:
        problem = f'the focal lengths are negative: {K.tolist()}'
    elif K[1, 0] != 0 or K[2].tolist() != [0, 0, 1]:
        problem = f'the intrinsics are not upper triangular with a last row of 0, 0, 1: {K.tolist()}'
    if problem:
        raise UserError(problem, file=file, field=field, remedy=remedy)
    return K


def stack_columns(columns: list[Any]) -> Any:
    """Arrays or tensors (*) side by side, (*, n)."""
    # this module must not load torch, and who has a tensor has loaded it
    torch = sys.modules.get('torch')
    if torch is not None and isinstance(columns[0], torch.Tensor):
        return torch.stack(columns, -1)
    return np.stack(columns, -1)


def _distort(x: Array, y: Array, dist: Array) -> tuple[Array, Array]:
    """Normalised coordinates seen through the lens (OpenCV's five-term model)."""
    k1, k2, p1, p2, k3 = (dist[..., i] for i in range(5))
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y)


def _undistort(xd: Array, yd: Array, dist: Array) -> tuple[Array, Array]:
    """Inverse of :func:`_distort` by Newton steps from the distorted point."""
    k1, k2, p1, p2, k3 = (dist[..., i] for i in range(5))
    x, y = xd, yd
    for _ in range(_UNDISTORT_STEPS):
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        slope = 2 * (k1 + r2 * (2 * k2 + 3 * r2 * k3))  # d radial / d r2, times 2
        mixed = slope * x * y + 2 * p1 * x + 2 * p2 * y
        dxx = radial + slope * x * x + 2 * p1 * y + 6 * p2 * x
        dyy = radial + slope * y * y + 6 * p1 * y + 2 * p2 * x
        x_now, y_now = _distort(x, y, dist)
        ex, ey = x_now - xd, y_now - yd
        determinant = dxx * dyy - mixed * mixed
        x, y = x - (dyy * ex - mixed * ey) / determinant, y - (dxx * ey - mixed * ex) / determinant
    return x, y
