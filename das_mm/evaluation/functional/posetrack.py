"""PoseTrack's AP and MOTA per joint, as leonid-pishchulin/poseval computes them.

Letters: N true people, M predictions, J = 15 joints in the order of ``poseval15``. A distance is in head sizes, and up
to 0.5 of them is a match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from das_mm.structures.people import People

from .tracking import TrackingCounts, TrackingFrame, count_tracking, inside_polygons

NUM_JOINTS = 15
MATCH_HEADS = 0.5
#: group of the tables -> its joints
JOINT_GROUPS = dict(
    head=(12, 13, 14), shoulder=(8, 9), elbow=(7, 10), wrist=(6, 11), hip=(2, 3), knee=(1, 4), ankle=(0, 5)
)
_HEAD_SHARE = 0.6  # of the diagonal of the head's box
_NO_SCORE = -9999.0


@dataclass(frozen=True)
class PoseTrackFrame:
    """One frame in the J joints.

    Attributes:
        ground_truth: N people with ``keypoints_px``, ``keypoints_valid`` (annotated), ``track_ids``, and in ``data``
            ``head_sizes_px`` (N,).
        predictions: M people with ``keypoints_px``, ``keypoints_valid`` (predicted at all), ``track_ids`` (-1: none),
            ``scores`` and ``keypoint_scores`` (NaN where none is given).
    """

    ground_truth: People
    predictions: People

    @property
    def annotated(self) -> np.ndarray:
        """(N, J) bool."""
        return self.ground_truth.keypoints_valid

    @property
    def present(self) -> np.ndarray:
        """(M, J) bool."""
        return self.predictions.keypoints_valid

    def with_joints(self, annotated: np.ndarray, present: np.ndarray) -> PoseTrackFrame:
        """The frame with other joints valid: (N, J) and (M, J) bool."""
        return PoseTrackFrame(
            replace(self.ground_truth, keypoints_valid=annotated), replace(self.predictions, keypoints_valid=present)
        )

    def keep(self, true: np.ndarray, predicted: np.ndarray) -> PoseTrackFrame:
        """The frame with some of its people alone: masks (N,) and (M,)."""
        return PoseTrackFrame(self.ground_truth.select(true), self.predictions.select(predicted))

    def tracked(self, score: float, joint_score: float) -> PoseTrackFrame:
        """Without predictions that have no identity or a lower score, and without joints of a lower score."""
        found = self.predictions
        sure = self.present & ~(found.keypoint_scores < joint_score)
        kept = (found.track_ids >= 0) & ~(found.scores < score) & sure.any(1)
        return self.with_joints(self.annotated, sure).keep(np.ones(len(self.annotated), dtype=bool), kept)

    @property
    def distances(self) -> np.ndarray:
        """(M, N, J) in head sizes, inf where either has not the joint."""
        gap = np.linalg.norm(self.predictions.keypoints_px[:, None] - self.ground_truth.keypoints_px, axis=-1)
        both = self.present[:, None] & self.annotated
        with np.errstate(divide='ignore', invalid='ignore'):
            return np.where(both, gap / self.ground_truth.data['head_sizes_px'][:, None], np.inf)


@dataclass(frozen=True)
class JointPrecision:
    """Average precision (J,) in percent, with precision and recall when every prediction counts; NaN for joints that
    are annotated nowhere (poseval has 0 there if also nobody predicts them)."""

    ap: np.ndarray
    precision: np.ndarray
    recall: np.ndarray


def head_sizes(boxes_xyxy: np.ndarray) -> np.ndarray:
    """(N,) px from the boxes of heads (N, 4)."""
    return _HEAD_SHARE * np.linalg.norm(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], axis=1)


def without_ignored(frame: PoseTrackFrame, polygons: Sequence[np.ndarray]) -> PoseTrackFrame:
    """The frame without points, true and predicted, inside the regions to ignore, and without people left with none.

    Without regions nothing changes: also people without points stay.
    """
    if not len(polygons):
        return frame
    annotated = frame.annotated & ~inside_polygons(frame.ground_truth.keypoints_px, polygons)
    present = frame.present & ~inside_polygons(frame.predictions.keypoints_px, polygons)
    return frame.with_joints(annotated, present).keep(annotated.any(1), present.any(1))


def assign_poses(frame: PoseTrackFrame) -> np.ndarray:
    """(M,) true person of each prediction, -1 for none, by PCKh: each prediction for its best person, each person the
    best among those; ties go to the first."""
    distances = frame.distances
    if 0 in distances.shape[:2]:
        return np.full(len(distances), -1)
    share = (distances <= MATCH_HEADS).sum(-1) / np.maximum(frame.annotated.sum(1), 1)  # (M, N)
    wanted = share.argmax(1)
    share = np.where(np.arange(share.shape[1]) == wanted[:, None], share, 0)
    best = share.argmax(0)  # (N,)
    taken = share.max(0) > 0
    person = np.full(len(distances), -1)
    person[best[taken]] = np.flatnonzero(taken)
    return person


def average_precision(frames: Sequence[PoseTrackFrame]) -> JointPrecision:
    """AP per joint over all frames together.

    A joint of an assigned prediction is right within 0.5 head sizes of the annotated one; those that are not annotated,
    and all of unassigned predictions, are wrong.
    """
    scores: list[list[np.ndarray]] = [[] for _ in range(NUM_JOINTS)]
    right: list[list[np.ndarray]] = [[] for _ in range(NUM_JOINTS)]
    positives = np.zeros(NUM_JOINTS, dtype=np.int64)
    for frame in frames:
        positives += frame.annotated.sum(0)
        person = assign_poses(frame)
        match = np.zeros(frame.present.shape, dtype=bool)
        assigned = np.flatnonzero(person >= 0)
        match[assigned] = frame.distances[assigned, person[assigned]] <= MATCH_HEADS
        for joint in range(NUM_JOINTS):
            here = frame.present[:, joint]
            scores[joint].append(frame.predictions.keypoint_scores[here, joint])
            right[joint].append(match[here, joint])
    rows = [
        _precision(
            np.concatenate([np.zeros(0), *scores[joint]]),
            np.concatenate([np.zeros(0, bool), *right[joint]]),
            positives[joint],
        )
        for joint in range(NUM_JOINTS)
    ]
    return JointPrecision(*(100 * np.array(column) for column in zip(*rows)))


def _precision(scores: np.ndarray, right: np.ndarray, positives: int) -> tuple[float, float, float]:
    """AP (area below the monotone envelope of precision over recall), last precision, last recall."""
    if not positives:
        return np.nan, np.nan, np.nan
    if not len(scores):
        return 0.0, np.nan, 0.0
    scores = np.where(np.isnan(scores), _NO_SCORE, scores)
    hits = np.cumsum(right[np.argsort(scores, kind='stable')[::-1]])
    recall, precision = hits / positives, hits / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(recall, prepend=0.0)
    return float((steps * envelope).sum()), float(precision[-1]), float(recall[-1])


def joint_frames(frame: PoseTrackFrame) -> list[TrackingFrame]:
    """The frame as each of the J joints is tracked, without assigning people.

    Where there is nobody on either side, poseval puts one person and one prediction of identity 0 who do not match, in
    place of all who are there: it costs every joint one miss and one false positive, and no more.
    """
    true_ids, predicted_ids = frame.ground_truth.track_ids, frame.predictions.track_ids
    if not len(true_ids) or not len(predicted_ids):
        nobody = TrackingFrame(np.zeros(1, np.int64), np.zeros(1, np.int64), np.full((1, 1), np.nan))
        return [nobody] * NUM_JOINTS
    distances = frame.distances.transpose(2, 1, 0)  # (J, N, M)
    distances = np.where(distances <= MATCH_HEADS, distances, np.nan)
    return [
        TrackingFrame(true_ids[true], predicted_ids[predicted], some[np.ix_(true, predicted)])
        for some, true, predicted in zip(distances, frame.annotated.T, frame.present.T)
    ]


def count_joints(video: Sequence[PoseTrackFrame]) -> list[TrackingCounts]:
    """The counts of each of the J joints in one video, whose last frame poseval leaves out.

    Raises:
        UserError: An identity occurs twice in one frame.
    """
    frames = [joint_frames(frame) for frame in video[:-1]]
    return [count_tracking([frame[joint] for frame in frames]) for joint in range(NUM_JOINTS)]


def by_group(values: np.ndarray) -> dict[str, float]:
    """Means of (J,) values over each group of joints, and over all of them as ``total``; NaN is left out.

    Example:
        >>> by_group(np.arange(15.))['head'], by_group(np.arange(15.))['total']
        (13.0, 7.0)
    """
    groups = {**JOINT_GROUPS, 'total': tuple(range(NUM_JOINTS))}
    known = {name: (some := values[list(joints)])[~np.isnan(some)] for name, joints in groups.items()}
    return {name: float(some.mean()) if len(some) else float('nan') for name, some in known.items()}
