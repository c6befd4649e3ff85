"""The people of one image who count, their predictions, and predictions on people who do not count.

Letters: N true people, E of whom count, M predictions, K keypoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from das_mm.structures.people import People

from .alignment import Root
from .matching import Matcher, OneToOneMatcher


def covered_by_ignored(ignored: People, predicted: People, gate: float = 0.5) -> np.ndarray:
    """Predictions that fall on people who are not evaluated; they are neither right nor wrong.

    A prediction is covered by a person within the gate of the ``one_to_one`` cost, or, where the ignored item is a
    region (a crowd, or a person without labelled keypoints), if at least half of its keypoints lie in the box.
    Several predictions may be covered by one item.

    Args:
        ignored: People left out; ``data['is_region']`` (N,) bool: judge by the box instead of the keypoints.
        predicted: Predictions not paired with an evaluated person, (M, …).
        gate: See :class:`.OneToOneMatcher`.

    Returns:
        (M,) bool.

    Example:
        >>> crowd = People(bboxes_px=[[0., 0., 9., 9.]], keypoints_px=np.zeros((1, 2, 2)),
        ...                keypoints_valid=np.zeros((1, 2), bool), data=dict(is_region=[True]))
        >>> covered_by_ignored(crowd, People(keypoints_px=[[[5., 5.], [20., 20.]], [[20., 5.], [20., 20.]]]))
        array([ True, False])
    """
    if len(ignored) == 0 or len(predicted) == 0:
        return np.zeros(len(predicted), dtype=bool)
    near = OneToOneMatcher(gate).cost(ignored, predicted) < gate  # (N, M)
    low, high = ignored.bboxes_px[:, None, None, :2], ignored.bboxes_px[:, None, None, 2:]
    points = predicted.keypoints_px[None]  # (1, M, K, 2)
    inside = ((points >= low) & (points <= high)).all(-1).mean(-1) >= 0.5  # (N, M)
    return np.where(ignored.data['is_region'][:, None], inside, near).any(0)


@dataclass(frozen=True)
class Pairing:
    """Who is who in one image.

    Attributes:
        evaluated: (E,) rows of the true people who count.
        partner: (E,) row of the prediction of each, -1 for none.
        num_used: Predictions that are somebody.
        num_covered: Usable predictions that are nobody, but fall on people who do not count.
    """

    evaluated: np.ndarray
    partner: np.ndarray
    num_used: int
    num_covered: int

    @property
    def found(self) -> np.ndarray:
        """(E,) bool."""
        return self.partner >= 0


def pair_people(matcher: Matcher, ground_truth: People, predictions: People, usable: np.ndarray, root: Root) -> Pairing:
    """Pairs the people who count with the usable predictions.

    Args:
        matcher: Who is who.
        ground_truth: ``data`` has, (N,) bool each, ``evaluated``, ``has_pose`` (evaluated, and with a pose in 3D) and
            ``is_region``. A matcher that works in 3D ignores people without a pose: they cannot be found.
        predictions: M predictions.
        usable: (M,) bool; others are never found, and cover nobody.
        root: Index or indices of the root.

    Example:
        >>> keypoints = np.array([[[10., 10.], [10., 50.]], [[80., 10.], [80., 50.]]])
        >>> true = People(bboxes_px=np.ones((2, 4)), keypoints_px=keypoints, keypoints_valid=np.ones((2, 2), bool),
        ...               data=dict(evaluated=[True, False], has_pose=[False] * 2, is_region=[False] * 2))
        >>> pair_people(OneToOneMatcher(), true, People(keypoints_px=keypoints[::-1]), np.ones(2, bool), root=0)
        Pairing(evaluated=array([0]), partner=array([1]), num_used=1, num_covered=1)
    """
    is_evaluated = ground_truth.data['has_pose' if matcher.needs_3d else 'evaluated']
    evaluated, rows = np.flatnonzero(is_evaluated), np.flatnonzero(usable)
    pairs = matcher.match(ground_truth.select(evaluated), predictions.select(rows), root)  # (E,)
    partner = np.append(rows, -1)[pairs]  # the last entry stands for none
    used = np.unique(partner[partner >= 0])
    spare = predictions.select(np.setdiff1d(rows, used))
    covered = covered_by_ignored(ground_truth.select(~is_evaluated), spare)
    return Pairing(evaluated, partner, len(used), int(covered.sum()))
