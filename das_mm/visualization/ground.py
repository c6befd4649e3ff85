"""The floor people stand on, guessed from their feet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_FOOT_WORDS = ('ankle', 'foot', 'toe', 'heel')
_UPPER_WORDS = ('shoulder', 'neck', 'thorax')
# how far to trust each source of evidence: the lean of one body, and the height of one lower foot over the floor
_LEAN_SD_RAD = 0.15
_FOOT_SD_MM = 100.0


@dataclass(frozen=True)
class Ground:
    """A plane in the camera frame: a point on it (3,) mm, its upward unit normal (3,), and how many feet fixed it."""

    point_mm: np.ndarray
    up: np.ndarray
    num_feet: int


def estimate_ground(keypoints_cam_mm: np.ndarray, shown: np.ndarray, names: Sequence[str]) -> Ground | None:
    """The plane through the lower foot of each person, its tilt held by the direction of the bodies.

    "Up" starts as the mean direction from ankles to shoulders; one standing person is enough. Several people far
    apart then correct the tilt: least squares over the heights of their feet, with the bodies' direction as a prior
    (one body leans by 0.15 rad, one foot is off the floor by 100 mm), so that few feet never tip the plane over.

    Args:
        keypoints_cam_mm: (N, K, 3) camera frame (y down), mm.
        shown: (N, K) bool, keypoints to be trusted.
        names: K names of the keypoint set.

    Returns:
        The plane, or ``None`` when nobody shows a foot.
    """
    feet = np.array([any(word in name for word in _FOOT_WORDS) for name in names], bool)
    upper = np.array([any(word in name for word in _UPPER_WORDS) for name in names], bool)
    stands = [row for row in range(len(keypoints_cam_mm)) if (shown[row] & feet).any()]
    if not stands:
        return None
    bodies = [
        keypoints_cam_mm[row][shown[row] & upper].mean(0) - keypoints_cam_mm[row][shown[row] & feet].mean(0)
        for row in stands
        if (shown[row] & upper).any()
    ]
    up = _mean_direction(bodies)
    low = np.array([_lowest(keypoints_cam_mm[row][shown[row] & feet], up) for row in stands])
    right = np.cross(up, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    forward = np.cross(right, up)
    center = low.mean(0)
    flat = (low - center) @ np.stack([right, forward], 1)  # (F, 2) mm
    height = (low - center) @ up  # (F,) mm
    # ridge regression of height on position; the prior's weight is the ratio of the two variances
    tilt_sd_rad = _LEAN_SD_RAD / np.sqrt(max(len(bodies), 1))
    slope = np.linalg.solve(flat.T @ flat + (_FOOT_SD_MM / tilt_sd_rad) ** 2 * np.eye(2), flat.T @ height)
    normal = up - slope[0] * right - slope[1] * forward
    return Ground(center, normal / np.linalg.norm(normal), len(stands))


def _mean_direction(vectors: list[np.ndarray]) -> np.ndarray:
    """Unit mean of the bodies' directions; straight up in the image where there are none, or where they lie down."""
    image_up = np.array([0.0, -1.0, 0.0])
    units = [vector / norm for vector in vectors if (norm := np.linalg.norm(vector)) > 1]
    mean = np.mean(units, axis=0) if units else image_up
    # more than 60° from the image's up is a lying person, not a tilted camera
    return mean / np.linalg.norm(mean) if mean @ image_up > 0.5 else image_up


def _lowest(points_mm: np.ndarray, up: np.ndarray) -> np.ndarray:
    return points_mm[np.argmin(points_mm @ up)]
