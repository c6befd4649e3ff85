"""The tracker of the paper: centres moved by the predicted displacement (journal §3.4 and §3.5; CenterTrack)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from das_mm.errors import UserError
from das_mm.registry import TASK_UTILS

from .base import GreedyMatchingTracker, Track
from .matching import match_by_cost, match_by_score
from .people import TrackedPeople

_ORDERS = ('distance', 'score')


@TASK_UTILS.register_module()
class GreedyTracker(GreedyMatchingTracker):
    """Each centre plus its displacement, where the person must have been in the previous frame, is matched to the
    nearest centre there that is free, within a radius of the person's size (:attr:`.TrackedPeople.radii_px`).

    Args:
        radius: Largest distance, as a share of the size of the smaller of the two.
        max_size_ratio: People whose sizes differ by more are not the same, however near: a guard at cuts.
        order: Which pair is made first: that of the least ``'distance'`` of all, then the next (journal §3.5), or that
            of the person of the highest ``'score'`` (the code of CenterTrack).
        **kwargs: Of :class:`.GreedyMatchingTracker`.

    Example:
        >>> tracker = GreedyTracker()
        >>> sizes, scores = np.full((2, 2), 40.), np.array([.9, .8])
        >>> here, there = np.array([[100., 50.], [130., 50.]]), np.array([[128., 50.], [102., 50.]])
        >>> tracker.update(TrackedPeople(here, sizes, scores, np.zeros((2, 2)))).tolist()
        [0, 1]
        >>> tracker.update(TrackedPeople(there, sizes, scores, here - there)).tolist()  # they changed places
        [0, 1]
    """

    def __init__(self, radius: float = 1.0, max_size_ratio: float = 2.5, order: str = 'distance', **kwargs):
        super().__init__(**kwargs)
        if order not in _ORDERS:
            raise UserError(f'{order!r} is unknown', field='order', remedy=f'choose one of {", ".join(_ORDERS)}')
        self.radius, self.max_size_ratio, self.order = radius, max_size_ratio, order

    def match(self, people: TrackedPeople, tracks: Sequence[Track], time_s: float | None) -> np.ndarray:
        cost = self.cost(people, tracks, time_s)
        return match_by_score(cost, people.scores) if self.order == 'score' else match_by_cost(cost)

    def cost(self, people: TrackedPeople, tracks: Sequence[Track], time_s: float | None) -> np.ndarray:
        """(n, m) distance by the largest one allowed.

        Raises:
            UserError: The people have no displacements.
        """
        if people.displacements_px is None:
            raise UserError(
                'the people have no displacements',
                field='displacements_px',
                remedy='use a model with a DisplacementBranch, or the NearestPoseTracker',
            )
        return self.center_cost(people, tracks, people.displacements_px)

    def center_cost(self, people: TrackedPeople, tracks: Sequence[Track], displacements_px: np.ndarray) -> np.ndarray:
        """(n, m) distance of the moved centres to those of the tracks, by the largest one allowed."""
        centers, radii = (
            np.concatenate([getattr(track.person, name) for track in tracks]) for name in ('centers_px', 'radii_px')
        )
        before = people.centers_px + displacements_px
        distance = np.linalg.norm(before[:, None] - centers, axis=-1)
        smaller = np.minimum(people.radii_px[:, None], radii)
        ratio = np.maximum(people.radii_px[:, None], radii) / smaller
        return np.where(ratio <= self.max_size_ratio, distance / (self.radius * smaller), np.inf)
