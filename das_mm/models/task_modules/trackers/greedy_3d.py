"""Tracking in camera space: roots and poses in mm, each difference weighed by how unsure it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from das_mm.structures.people import People

from .base import Track
from .greedy import GreedyTracker

_AXES = 3


class GreedyTracker3D(GreedyTracker):
    """As :class:`GreedyTracker`, but people are compared in 3D, where those who cover each other are apart.

    Two differences count, each in standard deviations and both alike: that of the roots, along the viewing ray and
    across it, and that of the root-relative poses, per keypoint and axis. The variance of a difference is the sum of

    * what was predicted for both sides (``keypoints_sigma_mm``; ``default_sigma_mm`` where nothing was),
    * for roots along the ray, the error of the absolute depth, ``depth_error`` of the distance: no network predicts it,
    * what people can move in the time since the track was last seen, ``speed_mm_s`` (``frame_s`` a frame where no times
      are given).

    A displacement in the image, where there is one, moves the root across the ray first. People or tracks without a
    finite root or pose are compared by their centres in the image instead, as by the parent.

    Args:
        max_sigmas: Largest root-mean-square difference in standard deviations.
        speed_mm_s: Standard deviation of the speed of roots, and of joints about them.
        depth_error: Standard error of the root's depth, as a share of it.
        default_sigma_mm: Standard errors across the ray and along it.
        frame_s: Time between frames whose times are not given.
        **kwargs: Of :class:`GreedyTracker`.
    """

    def __init__(
        self,
        max_sigmas: float = 2.0,
        speed_mm_s: float = 1500.0,
        depth_error: float = 0.03,
        default_sigma_mm: tuple[float, float] = (30.0, 60.0),
        frame_s: float = 0.04,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.max_sigmas, self.speed_mm_s, self.depth_error = max_sigmas, speed_mm_s, depth_error
        self.default_sigma_mm, self.frame_s = default_sigma_mm, frame_s

    def cost(self, people: People, tracks: Sequence[Track], time_s: float | None) -> np.ndarray:
        """(n, m) root-mean-square difference by the largest one allowed."""
        moved_px = people.data.get('displacements_px', np.zeros_like(people.roots_px))
        in_image = self.center_cost(people, tracks, moved_px)
        cost = np.full(in_image.shape, np.nan)
        for column, track in enumerate(tracks):
            if _has_3d(track.person) and _has_3d(people):
                moved_mm = self.speed_mm_s * self._elapsed_s(track, time_s)
                cost[:, column] = self._difference(people, track.person, moved_mm) / self.max_sigmas
        return np.where(np.isfinite(cost), cost, in_image)

    def _elapsed_s(self, track: Track, time_s: float | None) -> float:
        if time_s is None or track.time_s is None:
            return self.frame_s * (track.missed + 1)
        return max(time_s - track.time_s, 0.0)

    def _difference(self, people: People, before: People, moved_mm: float) -> np.ndarray:
        """(n,) root-mean-square difference to one person, in standard deviations; NaN where it is not known."""
        sigma_now, sigma_before = self._sigma(people), self._sigma(before)  # (n, K, 3), (1, K, 3)
        variance = sigma_now**2 + sigma_before**2 + moved_mm**2
        pose = ((_relative_mm(people) - _relative_mm(before)) ** 2 / variance).mean((1, 2))  # (n,)
        root_before = before.data['roots_cam_mm'][0]
        step = people.data['roots_cam_mm'] + self._moved_across(people) - root_before
        ray = root_before / np.linalg.norm(root_before)
        along = step @ ray
        across2 = (step**2).sum(1) - along**2
        # root: across in two directions, along in one; its own error is that of the whole pose
        variances = [values.mean(1) for values in (sigma_now**2, sigma_before**2)]  # (n, 3), (1, 3)
        depth2 = sum((self.depth_error * person.data['roots_cam_mm'][:, 2]) ** 2 for person in (people, before))
        along_variance = sum(value[:, 2] for value in variances) + depth2 + moved_mm**2
        across_variance = sum(value[:, :2].mean(1) for value in variances) + moved_mm**2
        root = (across2 / across_variance + along**2 / along_variance) / _AXES
        return np.sqrt((root + pose) / 2)

    def _sigma(self, people: People) -> np.ndarray:
        """(n, K, 3) mm."""
        across, along = self.default_sigma_mm
        default = np.broadcast_to([across, across, along], people.keypoints_cam_mm.shape)
        sigma_mm = people.data.get('keypoints_sigma_mm', default)
        return np.where(np.isfinite(sigma_mm), sigma_mm, default)

    @staticmethod
    def _moved_across(people: People) -> np.ndarray:
        """(n, 3) mm, the displacements in the image; one px is as long as it is in the person's own pose."""
        moved = np.zeros((len(people), _AXES))
        if 'displacements_px' not in people.data or people.keypoints_px is None:
            return moved
        px, mm = people.keypoints_px, _relative_mm(people)[..., :2]
        spread_px, spread_mm = (np.sqrt(((x - x.mean(1, keepdims=True)) ** 2).sum((1, 2))) for x in (px, mm))
        scale = np.divide(spread_mm, spread_px, out=np.zeros(len(people)), where=spread_px > 0)
        moved[:, :2] = np.nan_to_num(people.data['displacements_px'] * scale[:, None])
        return moved


def _has_3d(people: People) -> bool:
    return 'roots_cam_mm' in people.data and people.keypoints_cam_mm is not None


def _relative_mm(people: People) -> np.ndarray:
    """(n, K, 3) keypoints minus root."""
    return people.keypoints_cam_mm - people.data['roots_cam_mm'][:, None]
