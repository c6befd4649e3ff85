"""Multi-object tracking in numbers: CLEAR MOT and identity measures over the accumulator of ``motmetrics``.

Letters: N true people and M predictions of one frame, K keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.keypoint_similarity import object_keypoint_similarity
from das_mm.structures.people import People

from .alignment import Root, root_position
from .matching import OneToOneMatcher

_IDENTITY_COUNTS = ('idtp', 'idfp', 'idfn')


@dataclass(frozen=True)
class TrackingFrame:
    """One frame: who was there, who was predicted, and how far they are apart.

    Attributes:
        true_ids: (N,) int, each once.
        predicted_ids: (M,) int, each once.
        distances: (N, M), NaN where the two may not be paired.
    """

    true_ids: np.ndarray
    predicted_ids: np.ndarray
    distances: np.ndarray


@dataclass(frozen=True)
class TrackingCounts:
    """Counts of one or more sequences; they add up. Ratios are in percent, NaN where they would divide by nothing.

    Attributes:
        misses, switches, false_positives: The three errors of MOTA.
        objects: True people over all frames. ``detections``: those that were found.
        distance: Sum of the distances of the pairs.
        idtp, idfp, idfn: Of the identity measures, in which each true identity has one predicted one, that which suits
            it best over the whole sequence: times that both agree, other predictions, other people.
    """

    misses: int = 0
    switches: int = 0
    false_positives: int = 0
    objects: int = 0
    detections: int = 0
    distance: float = 0.0
    idtp: int = 0
    idfp: int = 0
    idfn: int = 0

    def __add__(self, other: TrackingCounts) -> TrackingCounts:
        return TrackingCounts(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))

    @property
    def mota(self) -> float:
        """100 (1 − (misses + switches + false positives) / objects), which may be negative."""
        return 100 - _percent(self.misses + self.switches + self.false_positives, self.objects)

    @property
    def motp(self) -> float:
        """100 (1 − mean distance of the pairs), for distances from 0 to 1."""
        return 100 - _percent(self.distance, self.detections)

    @property
    def precision(self) -> float:
        """Share of the predictions that are somebody."""
        return _percent(self.detections, self.detections + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the people who are found."""
        return _percent(self.detections, self.objects)

    @property
    def idf1(self) -> float:
        """Share of people and predictions that carry the right identity throughout (Ristani et al. 2016)."""
        return _percent(2 * self.idtp, 2 * self.idtp + self.idfp + self.idfn)


def count_tracking(frames: Sequence[TrackingFrame], identities: bool = True) -> TrackingCounts:
    """The counts of one sequence: pairs of the last frame are kept while they may be, the others are assigned at the
    least total distance (Bernardin and Stiefelhagen 2008).

    Args:
        frames: In their order.
        identities: Count for IDF1 too, which costs more than the rest.

    Raises:
        UserError: An identity occurs twice in one frame, or ``motmetrics`` is not installed.

    Example:
        >>> def frame(predicted):
        ...     return TrackingFrame(np.array([7]), np.array([predicted]), np.array([[0.1]]))
        >>> counts = count_tracking([frame(1), frame(2), frame(2), frame(2)])
        >>> counts.switches, counts.mota, counts.idf1
        (1, 75.0, 75.0)
    """
    motmetrics = _motmetrics()
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for number, frame in enumerate(frames):
        for name in ('true_ids', 'predicted_ids'):
            ids = getattr(frame, name)
            if len(np.unique(ids)) < len(ids):
                raise UserError(
                    f'frame {number} of the sequence has an identity twice: {sorted(ids.tolist())}',
                    field=name,
                    remedy='every person of a frame needs an identity of their own',
                )
        accumulator.update(frame.true_ids, frame.predicted_ids, frame.distances)
    if not len(frames):
        return TrackingCounts()
    events = accumulator.mot_events
    kinds = events.Type.value_counts()
    misses, switches, wrong, matches = (int(kinds.get(name, 0)) for name in ('MISS', 'SWITCH', 'FP', 'MATCH'))
    paired = events.Type.isin(['MATCH', 'SWITCH'])
    found = {}
    if identities:
        table = motmetrics.metrics.create().compute(accumulator, metrics=list(_IDENTITY_COUNTS), return_dataframe=False)
        found = {name: int(table[name]) for name in _IDENTITY_COUNTS}
    return TrackingCounts(
        misses, switches, wrong, misses + switches + matches, switches + matches, float(events.D[paired].sum()), **found
    )


def oks_distance(
    gt_px: np.ndarray, labelled: np.ndarray, areas_px2: np.ndarray, pred_px: np.ndarray, sigmas: np.ndarray
) -> np.ndarray:
    """1 − COCO's object keypoint similarity: (N, M); NaN for people without labelled keypoints.

    Args:
        gt_px: (N, K, 2). ``labelled``: (N, K) bool. ``areas_px2``: (N,). ``pred_px``: (M, K, 2). ``sigmas``: (K,).
    """
    squared = ((np.where(labelled[..., None], gt_px, 0)[:, None] - pred_px) ** 2).sum(-1)  # (N, M, K)
    return 1 - object_keypoint_similarity(squared, areas_px2[:, None], np.asarray(sigmas), labelled[:, None])


class OKSDistance:
    """1 − OKS, with ``data['areas_px2']`` of the true people.

    Args:
        gate: Largest distance of a pair; 0.5 is an OKS of 0.5.
    """

    needs_3d = False

    def __init__(self, gate: float = 0.5):
        self.gate = gate

    def __call__(self, ground_truth: People, predicted: People, root: Root, sigmas: np.ndarray) -> np.ndarray:
        """(N, M), NaN above the gate."""
        areas_px2 = ground_truth.data['areas_px2']
        labelled = ground_truth.keypoints_valid
        return _gated(
            oks_distance(ground_truth.keypoints_px, labelled, areas_px2, predicted.keypoints_px, sigmas), self.gate
        )


class KeypointDistance:
    """Mean distance of the labelled keypoints in the image, by the person's size (that of :class:`.OneToOneMatcher`).

    Args:
        gate: Largest distance of a pair.
    """

    needs_3d = False

    def __init__(self, gate: float = 0.5):
        self.gate = gate

    def __call__(self, ground_truth: People, predicted: People, root: Root, sigmas: np.ndarray) -> np.ndarray:
        """(N, M), NaN above the gate."""
        return _gated(OneToOneMatcher().cost(ground_truth, predicted), self.gate)


class RootDistance3D:
    """Distance of the roots in camera space, by the gate: 1 is the largest of a pair.

    Args:
        gate_mm: Largest distance of a pair.
    """

    needs_3d = True

    def __init__(self, gate_mm: float = 500.0):
        self.gate_mm = gate_mm

    def __call__(self, ground_truth: People, predicted: People, root: Root, sigmas: np.ndarray) -> np.ndarray:
        """(N, M), NaN above the gate."""
        gt, pred = (root_position(people.keypoints_cam_mm, root) for people in (ground_truth, predicted))
        known = ground_truth.keypoints_cam_valid[:, np.atleast_1d(root)].all(1)[:, None]
        distance = np.linalg.norm(gt[:, None] - pred, axis=-1) / self.gate_mm
        return _gated(np.where(known, distance, np.nan), 1.0)


#: name -> what tells how far a prediction is from a person
TRACKING_DISTANCES: dict[str, type] = dict(oks=OKSDistance, keypoints_px=KeypointDistance, root_mm=RootDistance3D)


def build_tracking_distance(distance: str | dict) -> OKSDistance | KeypointDistance | RootDistance3D:
    """From its name, or from a dict with its name as ``type`` and its arguments.

    Raises:
        KeyError: Unknown name.

    Example:
        >>> build_tracking_distance(dict(type='root_mm', gate_mm=250.)).gate_mm
        250.0
    """
    options = dict(type=distance) if isinstance(distance, str) else dict(distance)
    return TRACKING_DISTANCES[options.pop('type')](**options)


def inside_polygons(points: np.ndarray, polygons: Sequence[np.ndarray]) -> np.ndarray:
    """Whether points (*, 2) lie inside any of the polygons (P, 2), their outlines left out; (*) bool.

    What a polygon that crosses itself goes round twice is outside.

    Example:
        >>> square = np.array([[0., 0.], [4., 0.], [4., 4.], [0., 4.]])
        >>> inside_polygons(np.array([[1., 1.], [5., 1.], [4., 2.]]), [square]).tolist()
        [True, False, False]
    """
    inside = np.zeros(points.shape[:-1], dtype=bool)
    x, y = (points[..., axis, None] for axis in range(2))
    for polygon in polygons:
        (ax, ay), (bx, by) = np.asarray(polygon, float).T, np.roll(np.asarray(polygon, float), -1, axis=0).T
        spans = (ay > y) != (by > y)  # (*, P): the side crosses the horizontal line through the point
        cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        to_the_right = np.where(by > ay, cross > 0, cross < 0)
        odd = (spans & to_the_right).sum(-1) % 2 == 1
        between = (
            (np.minimum(ax, bx) <= x)
            & (x <= np.maximum(ax, bx))
            & (np.minimum(ay, by) <= y)
            & (y <= np.maximum(ay, by))
        )
        inside |= odd & ~((cross == 0) & between).any(-1)
    return inside


def _gated(distance: np.ndarray, gate: float) -> np.ndarray:
    return np.where(distance <= gate, distance, np.nan)


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else float('nan')


def _motmetrics() -> Any:
    try:
        import motmetrics
    except ImportError as error:
        raise UserError(
            f'tracking is evaluated with motmetrics, which cannot be imported ({error})',
            remedy='pip install das_mm[track]',
        ) from None
    return motmetrics
