"""Feet that stand, out of the results of a video: where and how long each ankle stayed in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .floor_fit import FootContacts

#: height of the ankle over the floor of a standing foot, of an adult of 1.70 m
ANKLE_HEIGHT_MM = 80.0
_ANKLES, _SHOULDERS = ('left_ankle', 'right_ankle'), ('left_shoulder', 'right_shoulder')
_LOOKED_S = 0.08  # before and after a frame, for the speed of a foot
_LARGEST_SPEED_MM_S = 400.0  # a swinging foot has thousands
_LOWER_BY_MM = 60.0  # the other foot may be, of two that stand
_LONGEST_GAP_S = 0.3  # within one contact
_FULL_WEIGHT_FRAMES = 6
_STANDING = 0.85  # of a person's greatest length from ankles to shoulders
_LEAN_SD_RAD, _LEAST_LEAN_SD_RAD = 0.08, 0.05  # of one body, and of what all have in common: a network's own lean
_UNKNOWN_SD_RAD = 0.3  # where no body tells
_IMAGE_UP = np.array([0.0, -1.0, 0.0])


class FootTracks:
    """Ankles and shoulders of the people of a video, added result by result.

    Args:
        keypoint_names: Of the results.
    """

    def __init__(self, keypoint_names: Sequence[str]):
        names = list(keypoint_names)
        self._ankles = [names.index(name) if name in names else None for name in _ANKLES]
        self._shoulders = [names.index(name) for name in _SHOULDERS if name in names]
        self._rows: dict[int, list[np.ndarray]] = defaultdict(list)
        self._strangers = 0

    def add(self, result: Mapping[str, Any]) -> None:
        """The people of a frame whose positions are known. Who has no identity is a person of one frame."""
        for person in result['people']:
            if person['keypoints_cam_mm'] is None:
                continue
            identity = person.get('track_id')
            if identity is None:
                self._strangers -= 1
                identity = self._strangers
            points = np.array(person['keypoints_cam_mm'], dtype=np.float64)
            missing = np.full(3, np.nan)
            upper = points[self._shoulders].mean(0) if self._shoulders else missing
            ankles = [missing if row is None else points[row] for row in self._ankles]
            self._rows[identity].append(np.concatenate([[result['image']['time_s']], *ankles, upper]))

    def contacts(self, up: np.ndarray | None = None) -> FootContacts | None:
        """The feet that stood; None where nobody shows one.

        Args:
            up: (3,) direction of up, as far as it is known; by default that of the bodies.
        """
        tracks = [np.array(rows) for rows in self._rows.values()]
        body_up, sd_rad = _direction_of_bodies(tracks)
        found = []
        for person, track in enumerate(tracks):
            found += [(person, *one) for one in _standing_feet(track, body_up if up is None else up)]
        if not found:  # of a clip too short or too quick: every lower foot
            found = [
                (person, one, 1.0 / len(track))
                for person, track in enumerate(tracks)
                for one in _lower_feet(track, body_up if up is None else up)
            ]
        if not found:
            return None
        people = np.unique([person for person, *_ in found], return_inverse=True)[1]
        points = np.array([point for _, point, _ in found])
        return FootContacts(points, people, np.array([weight for *_, weight in found]), body_up, sd_rad)


def _direction_of_bodies(tracks: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """The mean direction from ankles to shoulders of who stands, and how far it is to be trusted, rad."""
    directions = []
    for track in tracks:
        bodies = track[:, 7:10] - (track[:, 1:4] + track[:, 4:7]) / 2
        bodies = bodies[np.isfinite(bodies).all(1)]
        if not len(bodies):
            continue
        lengths = np.linalg.norm(bodies, axis=1)
        mean = np.median(bodies[lengths >= _STANDING * lengths.max()], axis=0)
        mean /= max(float(np.linalg.norm(mean)), 1.0)
        if mean @ _IMAGE_UP > 0.5:  # others lie, or hang on a wrong depth
            directions.append((mean, len(bodies)))
    if not directions:
        return _IMAGE_UP, _UNKNOWN_SD_RAD
    # one who was seen for a moment says less than one who walked through the clip
    weights = np.sqrt([frames for _, frames in directions])
    up = np.average([mean for mean, _ in directions], axis=0, weights=weights)
    effective = weights.sum() ** 2 / (weights**2).sum()
    return up / np.linalg.norm(up), float(np.hypot(_LEAN_SD_RAD / np.sqrt(effective), _LEAST_LEAN_SD_RAD))


def _standing_feet(track: np.ndarray, up: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Place (3,) mm and weight of every time that a foot of a person stood."""
    times = track[:, 0]
    feet = track[:, 1:7].reshape(-1, 2, 3)
    heights = feet @ up
    found = []
    for side in range(2):
        other = np.where(np.isfinite(heights[:, 1 - side]), heights[:, 1 - side], np.inf)
        slow = _speeds(times, feet[:, side]) < _LARGEST_SPEED_MM_S
        stands = np.flatnonzero(slow & (heights[:, side] <= other + _LOWER_BY_MM))
        if not len(stands):
            continue
        breaks = np.flatnonzero(np.diff(times[stands]) > _LONGEST_GAP_S) + 1
        breaks = np.union1d(breaks, np.flatnonzero(np.diff(stands) > 2) + 1)
        for rows in np.split(stands, breaks):
            if len(rows) > 1:
                weight = min(1.0, len(rows) / _FULL_WEIGHT_FRAMES)
                found.append((np.median(feet[rows, side], axis=0), weight))
    return found


def _speeds(times: np.ndarray, foot: np.ndarray) -> np.ndarray:
    """(T,) mm/s across the line of sight, along which depths are too noisy; inf where it cannot be told."""
    before = np.searchsorted(times, times - _LOOKED_S + 1e-6) - 1
    after = np.searchsorted(times, times + _LOOKED_S - 1e-6)
    before, after = np.clip(before, 0, None), np.clip(after, None, len(times) - 1)
    depths = foot[:, 2]
    seen = foot[:, :2] / depths[:, None]
    moved = np.linalg.norm(seen[after] - seen[before], axis=1) * (depths[after] + depths[before]) / 2
    steps = times[after] - times[before]
    with np.errstate(divide='ignore', invalid='ignore'):
        speeds = moved / steps
    return np.where((steps > 0) & (steps < 4 * _LONGEST_GAP_S) & np.isfinite(speeds), speeds, np.inf)


def _lower_feet(track: np.ndarray, up: np.ndarray) -> list[np.ndarray]:
    """(3,) of each frame of a person."""
    feet = track[:, 1:7].reshape(-1, 2, 3)
    return [pair[np.nanargmin(pair @ up)] for pair in feet if np.isfinite(pair).all(1).any()]
