"""The baseline of the ablation (journal Table 9, row 1): nearest mean keypoint distance, no displacement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.people import People

from .base import GreedyMatchingTracker, Track
from .matching import match_by_cost
from .tracked_people import radii_px


class NearestPoseTracker(GreedyMatchingTracker):
    """The pair of people with the least mean distance of their keypoints first, then the next.

    Keypoints that are not finite on either side are left out of the mean.

    Args:
        radius: Largest mean distance, as a share of the size of the smaller of the two.
        **kwargs: Of :class:`.GreedyMatchingTracker`.
    """

    def __init__(self, radius: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.radius = radius

    def match(self, people: People, tracks: Sequence[Track], time_s: float | None) -> np.ndarray:
        return match_by_cost(self.cost(people, tracks))

    def cost(self, people: People, tracks: Sequence[Track]) -> np.ndarray:
        """(n, m) mean distance by the largest one allowed; inf for people without a common keypoint.

        Raises:
            UserError: The people have no keypoints.
        """
        if people.keypoints_px is None:
            raise UserError('the people have no keypoints', field='keypoints_px', remedy='give their keypoints')
        before = np.concatenate([track.person.keypoints_px for track in tracks])  # (m, K, 2)
        distance = np.linalg.norm(people.keypoints_px[:, None] - before, axis=-1)  # (n, m, K)
        known = np.isfinite(distance)
        total = np.where(known, distance, 0).sum(-1)
        mean = np.divide(total, known.sum(-1), out=np.full(total.shape, np.inf), where=known.any(-1))
        radii = np.concatenate([radii_px(track.person) for track in tracks])
        return mean / (self.radius * np.minimum(radii_px(people)[:, None], radii))
