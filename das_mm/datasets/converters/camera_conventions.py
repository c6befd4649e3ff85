"""Which of the ways to write down a camera's place a file follows, found out by trying.

The same two letters R and T stand for four things in files about the same cameras, and names do not tell which.
All lengths in this module in one unit, whatever it is. Letters: C cameras, N points.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from das_mm.structures.cameras import project

Pose = tuple[np.ndarray, np.ndarray]  # R (3, 3), T (3,)

# what the file means -> R, T with X_cam = R·X_world + T
CONVENTIONS: dict[str, Callable[[np.ndarray, np.ndarray], Pose]] = {
    'X_cam = R·X + T': lambda R, T: (R, T),
    'X_cam = R·(X - T)': lambda R, T: (R, -R @ T),
    'X_world = R·X_cam + T': lambda R, T: (R.T, -R.T @ T),
    'X_cam = Rᵀ·X + T': lambda R, T: (R.T, T),
}


def by_common_point(cameras: Sequence[Pose]) -> str | None:
    """The convention under which all cameras of a room look at one point before them.

    Args:
        cameras: R (3, 3), T (3,) as in the file, at least two of them.

    Returns:
        Key of :data:`CONVENTIONS`; None where fewer than two cameras are given or no convention fits.
    """
    scores = {name: _miss(cameras, world_to_camera) for name, world_to_camera in CONVENTIONS.items()}
    best = min(scores, key=scores.__getitem__)
    return best if len(cameras) > 1 and np.isfinite(scores[best]) else None


def by_reprojection(
    source: Pose | None,
    target: Pose,
    points: np.ndarray,
    keypoints_px: np.ndarray,
    K: np.ndarray,
    dist: np.ndarray | None,
    limit_px: float,
) -> str | None:
    """The convention that brings points to where another camera has seen them.

    Args:
        source: Camera in whose frame ``points`` (N, 3) are; None: they are in world space.
        target: Camera that saw them at ``keypoints_px`` (N, 2), with ``K`` and ``dist``.
        limit_px: Greatest median distance at which a convention counts as right.

    Returns:
        Key of :data:`CONVENTIONS`, or None if none fits.
    """

    def off_px(world_to_camera: Callable[[np.ndarray, np.ndarray], Pose]) -> float:
        world = points
        if source is not None:
            R, T = world_to_camera(*source)
            world = (points - T) @ R  # Rᵀ·(X - T)
        R, T = world_to_camera(*target)
        seen = world @ R.T + T
        if (seen[:, 2] <= 0).any():
            return np.inf
        return float(np.median(np.linalg.norm(project(seen, K, dist) - keypoints_px, axis=-1)))

    scores = {name: off_px(world_to_camera) for name, world_to_camera in CONVENTIONS.items()}
    best = min(scores, key=scores.__getitem__)
    return best if scores[best] <= limit_px else None


def _miss(cameras: Sequence[Pose], world_to_camera: Callable[[np.ndarray, np.ndarray], Pose]) -> float:
    """How far the optical axes pass their nearest common point, over its distance; infinite if one looks away."""
    poses = [world_to_camera(np.asarray(R, float), np.asarray(T, float).ravel()) for R, T in cameras]
    centres = np.array([-R.T @ T for R, T in poses])  # (C, 3)
    axes = np.array([R[2] for R, _ in poses])  # (C, 3) z of each camera in the world
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]  # (C, 3, 3) takes away the part along the axis
    point = np.linalg.lstsq(across.sum(0), (across @ centres[:, :, None]).sum(0)[:, 0], rcond=None)[0]
    along = ((point - centres) * axes).sum(-1)
    if (along <= 0).any():
        return np.inf
    off = np.linalg.norm((across @ (point - centres)[:, :, None])[..., 0], axis=-1)
    return float(np.sqrt((off**2).mean()) / along.mean())
