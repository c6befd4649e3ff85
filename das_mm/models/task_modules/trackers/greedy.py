"""The tracker of the paper: centres moved by the predicted displacement (journal §3.4 and §3.5; CenterTrack)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.people import People

from .base import GreedyMatchingTracker, Track
from .matching import match_by_cost, match_by_score
from .tracked_people import radii_px

_ORDERS = ('distance', 'score')


class GreedyTracker(GreedyMatchingTracker):
    """Each centre plus its displacement, where the person must have been in the previous frame, is matched to the
    nearest centre there that is free, within a radius of the person's size (:func:`.radii_px`).

    Args:
        radius: Largest distance, as a share of the size of the smaller of the two.
        max_size_ratio: People whose sizes differ by more are not the same, however near: a guard at cuts.
        order: Which pair is made first: that of the least ``'distance'`` of all, then the next (journal §3.5), or that
            of the person of the highest ``'score'`` (the code of CenterTrack).
        **kwargs: Of :class:`.GreedyMatchingTracker`.

    Example:
        >>> tracker = GreedyTracker()
        >>> def frame(roots, moved):
        ...     roots, moved = np.array(roots, float), np.array(moved, float)
        ...     boxes = np.hstack([roots - 20, roots + 20])
        ...     return People(scores=[0.9, 0.8], roots_px=roots, bboxes_px=boxes, data=dict(displacements_px=-moved))
        >>> tracker.update(frame([[100, 50], [130, 50]], [[0, 0], [0, 0]])).tolist()
        [0, 1]
        >>> tracker.update(frame([[128, 50], [102, 50]], [[28, 0], [-28, 0]])).tolist()  # they changed places
        [0, 1]
    """

    def __init__(self, radius: float = 1.0, max_size_ratio: float = 2.5, order: str = 'distance', **kwargs):
        super().__init__(**kwargs)
        if order not in _ORDERS:
            raise UserError(f'{order!r} is unknown', field='order', remedy=f'choose one of {", ".join(_ORDERS)}')
        self.radius, self.max_size_ratio, self.order = radius, max_size_ratio, order

    def match(self, people: People, tracks: Sequence[Track], time_s: float | None) -> np.ndarray:
        cost = self.cost(people, tracks, time_s)
        return match_by_score(cost, people.scores) if self.order == 'score' else match_by_cost(cost)

    def cost(self, people: People, tracks: Sequence[Track], time_s: float | None) -> np.ndarray:
        """(n, m) distance by the largest one allowed.

        Raises:
            UserError: The people have no displacements.
        """
        if 'displacements_px' not in people.data:
            raise UserError(
                'the people have no displacements',
                field='displacements_px',
                remedy='use a model with a DisplacementBranch, or the NearestPoseTracker',
            )
        return self.center_cost(people, tracks, people.data['displacements_px'])

    def center_cost(self, people: People, tracks: Sequence[Track], displacements_px: np.ndarray) -> np.ndarray:
        """(n, m) distance of the moved centres to those of the tracks, by the largest one allowed."""
        centers = np.concatenate([track.person.roots_px for track in tracks])
        radii = np.concatenate([radii_px(track.person) for track in tracks])
        own_radii = radii_px(people)[:, None]
        before = people.roots_px + displacements_px
        distance = np.linalg.norm(before[:, None] - centers, axis=-1)
        smaller = np.minimum(own_radii, radii)
        ratio = np.maximum(own_radii, radii) / smaller
        return np.where(ratio <= self.max_size_ratio, distance / (self.radius * smaller), np.inf)
