"""The floor people stand on, guessed from their feet and from how they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

_FOOT_WORDS = ('ankle', 'foot', 'toe', 'heel')
_UPPER_WORDS = ('shoulder', 'neck', 'thorax')
# from the floor up; the straighter the way through these is, the better a body shows where up is
_WAY_UP = (_FOOT_WORDS, ('knee',), ('hip', 'pelvis'), _UPPER_WORDS)
_BENT, _STRAIGHT = 0.90, 0.97  # of that way's length, from end to end
_LEAST_UPRIGHT = 0.5  # cosine: who is more than 60° off the image's up lies, and tells nothing of the camera
# how far to trust each source of evidence: the lean of one body, and the height of one lower foot over the floor
_LEAN_SD_RAD = 0.15
_FOOT_SD_MM = 100.0
_CELL_MM, _PLACE_MM = 250.0, 500.0
#: feet on fewer places than this do not tilt the floor: three always lie on a plane, whatever their errors
LEAST_PLACES = 4
_FLAT_MM = 300.0  # feet that lie farther off their plane lie on none


@dataclass(frozen=True)
class Ground:
    """A plane in the camera frame.

    Attributes:
        point_mm: (3,) a point on it.
        up: (3,) its upward unit normal.
        num_feet: Lower feet that it was laid through, one a person and image.
        basis: What says where up is: the 'feet', on enough places; else how the 'bodies' stand; where nobody stands
            upright, the 'camera', which is taken to be level.
        residual_mm: Root mean square of the places' heights over it.
    """

    point_mm: np.ndarray
    up: np.ndarray
    num_feet: int
    basis: Literal['feet', 'bodies', 'camera'] = 'feet'
    residual_mm: float = 0.0


def estimate_ground(keypoints_cam_mm: np.ndarray, shown: np.ndarray, names: Sequence[str]) -> Ground | None:
    """The plane through the lower foot of each person, its tilt held by the direction of the bodies.

    "Up" starts as the mean direction from ankles to shoulders of those who stand straight; one standing person is
    enough. Feet on at least ``LEAST_PLACES`` places (of half a metre; people of many frames on one place count once)
    then correct the tilt: robust least squares over their heights, with the bodies' direction as a prior (one body
    leans by 0.15 rad, one foot is off the floor by 100 mm or as the feet show). With fewer the floor stays square to
    the bodies, so that a foot of wrong depth does not make everybody lean.

    Args:
        keypoints_cam_mm: (N, K, 3) camera frame (y down), mm; of one image, or of many of a camera at rest.
        shown: (N, K) bool, keypoints to be trusted.
        names: K names of the keypoint set.

    Returns:
        The plane, or ``None`` when nobody shows a foot.
    """
    feet = _named(names, _FOOT_WORDS)
    stands = (shown & feet).any(1) if len(shown) else np.zeros(0, bool)
    if not stands.any():
        return None
    points, shown = keypoints_cam_mm[stands], shown[stands]
    directions, weights = _standing(points, shown, names)
    basis: Literal['feet', 'bodies', 'camera'] = 'bodies'
    up = weights @ directions
    if weights.sum() > 0.1:
        up = up / np.linalg.norm(up)
    else:
        basis, up = 'camera', np.array([0.0, -1.0, 0.0])
    heights = np.where(shown & feet, points @ up, np.inf)
    lowest = points[np.arange(len(points)), heights.argmin(1)]
    places = _places(lowest, up)
    center = np.median(places, axis=0)
    if len(places) >= LEAST_PLACES:
        plane = _fitted_plane(places, up, _LEAN_SD_RAD / np.sqrt(max(weights.sum(), 1.0)))
        if plane.residual_mm <= _FLAT_MM:
            return Ground(plane.point_mm, plane.up, len(points), 'feet', plane.residual_mm)
    residual_mm = float(np.sqrt(np.mean(((places - center) @ up) ** 2)))
    return Ground(center, up, len(points), basis, residual_mm)


def _named(names: Sequence[str], words: Sequence[str]) -> np.ndarray:
    return np.array([any(word in name for word in words) for name in names], bool)


def _standing(points: np.ndarray, shown: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) unit directions from feet to shoulders, and (N,) how much each tells of up: 1 for who stands straight, 0
    for who is bent, sits, lies, or does not show enough."""
    groups = [_named(names, words) for words in _WAY_UP]
    way = np.stack([_means(points, shown & group) for group in groups if group.any()])  # (W, N, 3)
    steps = np.linalg.norm(np.diff(way, axis=0), axis=-1).sum(0)
    whole = way[-1] - way[0] if groups[-1].any() else np.full(way.shape[1:], np.nan)
    length = np.linalg.norm(whole, axis=-1)
    with np.errstate(invalid='ignore', divide='ignore'):
        direction, straightness = whole / length[:, None], length / steps
    known = np.isfinite(direction).all(1) & (length > 1) & np.isfinite(straightness)
    direction = np.where(known[:, None], direction, 0.0)
    weight = np.clip((np.where(known, straightness, 0) - _BENT) / (_STRAIGHT - _BENT), 0, 1)
    return direction, np.where(-direction[:, 1] > _LEAST_UPRIGHT, weight, 0.0)


def _means(points: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """(N, 3) of those shown (N, K); NaN where none is."""
    count = shown.sum(1)[:, None]
    total = np.where(shown[..., None], points, 0.0).sum(1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _places(lowest: np.ndarray, up: np.ndarray) -> np.ndarray:
    """(P, 3) points of the floor at least half a metre apart: each the middle of the feet about it, at their median
    height."""
    axes = np.stack([*_flat_axes(up), up])
    points = lowest @ axes.T  # (N, 3) right, forward, height
    _, cell, count = np.unique(np.floor(points[:, :2] / _CELL_MM), axis=0, return_inverse=True, return_counts=True)
    cell = cell.ravel()
    middles = np.stack([np.bincount(cell, points[:, i]) / count for i in range(2)], 1)
    # where most feet stood first: what lies within half a metre of that is the same place
    stands_for = np.full(len(count), -1)
    for one in np.argsort(-count, kind='stable'):
        if stands_for[one] < 0:
            near = np.linalg.norm(middles - middles[one], axis=1) < _PLACE_MM
            stands_for[near & (stands_for < 0)] = one
    place = stands_for[cell]
    groups = [points[place == one] for one in np.unique(stands_for)]
    return np.array([[*group[:, :2].mean(0), np.median(group[:, 2])] for group in groups]) @ axes


def _fitted_plane(places: np.ndarray, up: np.ndarray, tilt_sd_rad: float) -> Ground:
    right, forward = _flat_axes(up)
    center = places.mean(0)
    design = np.column_stack([(places - center) @ right, (places - center) @ forward, np.full(len(places), 1.0)])
    height, weight, scale = (places - center) @ up, np.ones(len(places)), _FOOT_SD_MM
    solve = lambda prior: np.linalg.solve(
        design.T @ (weight[:, None] * design) + np.diag([prior, prior, 0.0]), design.T @ (weight * height)
    )
    # Huber's weights about a scale that the feet show where next to nothing holds their plane
    for _ in range(10):
        residual = height - design @ solve(1.0)
        scale = max(_FOOT_SD_MM, 1.48 * float(np.median(np.abs(residual))))
        weight = np.minimum(1.0, 1.5 * scale / np.maximum(np.abs(residual), 1e-6))
    solution = solve((scale / tilt_sd_rad) ** 2)
    residual = height - design @ solution
    normal = up - solution[0] * right - solution[1] * forward
    rms = float(np.sqrt((weight * residual**2).sum() / weight.sum()))
    return Ground(center + solution[2] * up, normal / np.linalg.norm(normal), len(places), residual_mm=rms)


def _flat_axes(up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Right and forward, unit and square to ``up``."""
    right = np.cross(up, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return right, np.cross(right, up)
