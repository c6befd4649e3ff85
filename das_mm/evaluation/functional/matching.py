"""Who is who: rules that pair predicted with true people of one image.

Letters: N true people, M predicted people, K keypoints. A rule is a small object with ``match(truth, predicted,
root)`` giving, for every true person, the index of its prediction or -1. Scores play no part; equal inputs give
equal pairs.

=================  ===============================================================================================
``one_to_one``     Default. Each prediction serves one person. Cost: mean pixel distance over the labelled keypoints
                   inside the image, divided by the person's size (square root of the box area); pairs at or above
                   ``gate`` = 0.5 are refused. Decided in the image, so that a person seen in the right place but
                   placed at the wrong depth is *found*, and the wrong depth shows in the absolute errors.
``one_to_one_3d``  Each prediction serves one person. Cost: mean absolute 3D distance, refused from 500 mm on.
``nearest``        Protocol of the released DAS code on Panoptic: each true person takes the prediction with the most
                   similar root-relative pose, wherever it is. Not exclusive and without a gate, so one prediction may
                   serve everybody: recall says little under this rule, and errors are optimistic.
=================  ===============================================================================================

Both exclusive rules minimise the *gated* cost ``Σ min(cost, gate)`` (Hungarian algorithm), an unpaired person
costing one gate: a bad pair is never taken for the sake of having one more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from .alignment import Root, root_position


@dataclass(frozen=True)
class TruePeople:
    """True people of one image.

    Attributes:
        keypoints_px: (N, K, 2) px.
        labelled: (N, K) bool, keypoints that may be compared in the image (labelled and inside it).
        bboxes: (N, 4) xyxy px.
        keypoints_3d: (N, K, 3) mm, camera frame.
        valid_3d: (N, K) bool, keypoints that may be compared in 3D.
    """

    keypoints_px: np.ndarray
    labelled: np.ndarray
    bboxes: np.ndarray
    keypoints_3d: np.ndarray
    valid_3d: np.ndarray

    def __len__(self) -> int:
        return len(self.keypoints_px)

    def __getitem__(self, index) -> TruePeople:
        """The people picked by a mask or by indices (N',)."""
        return TruePeople(
            self.keypoints_px[index],
            self.labelled[index],
            self.bboxes[index],
            self.keypoints_3d[index],
            self.valid_3d[index],
        )

    @property
    def sizes_px(self) -> np.ndarray:
        """(N,) px: square root of the area of the box, or of the box around the labelled keypoints if larger."""
        width, height = (self.bboxes[:, 2:] - self.bboxes[:, :2]).clip(min=0).T
        masked = self.labelled[..., None]
        low = np.where(masked, self.keypoints_px, np.inf).min(1, initial=np.inf)
        high = np.where(masked, self.keypoints_px, -np.inf).max(1, initial=-np.inf)
        extent = np.where(self.labelled.any(1)[:, None], high - low, 0.0)
        return np.sqrt(np.maximum(width * height, extent.prod(1))).clip(min=1.0)


@dataclass(frozen=True)
class PredictedPeople:
    """Predicted people of one image: ``keypoints_px`` (M, K, 2) px, ``keypoints_3d`` (M, K, 3) mm; finite numbers."""

    keypoints_px: np.ndarray
    keypoints_3d: np.ndarray

    def __len__(self) -> int:
        return len(self.keypoints_px)

    def __getitem__(self, index) -> PredictedPeople:
        """The people picked by a mask or by indices (M',)."""
        return PredictedPeople(self.keypoints_px[index], self.keypoints_3d[index])


def mean_distance(gt: np.ndarray, pred: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean over masked keypoints of the distance of gt (N, K, D) to pred (M, K, D): (N, M), inf for empty masks."""
    gt = np.where(mask[..., None], gt, 0.0)  # unlabelled places may hold NaN
    distance = np.linalg.norm(gt[:, None] - pred[None], axis=-1)  # (N, M, K)
    count = mask.sum(1)[:, None]  # (N, 1)
    total = (distance * mask[:, None]).sum(-1)
    return np.divide(total, count, out=np.full(total.shape, np.inf), where=count > 0)


def _pair_exclusively(cost: np.ndarray, gate: float) -> np.ndarray:
    """Hungarian algorithm on the cost (N, M) cut at the gate; (N,) index of the prediction or -1."""
    pairs = np.full(cost.shape[0], -1, dtype=np.int64)
    rows, columns = linear_sum_assignment(np.minimum(cost, gate))
    accepted = cost[rows, columns] < gate
    pairs[rows[accepted]] = columns[accepted]
    return pairs


class OneToOne:
    """Exclusive pairs by mean keypoint distance in the image; see the head of the module.

    Args:
        gate: Largest mean distance, as a fraction of the person's size (exclusive).

    Example:
        >>> keypoints = np.array([[[10., 10.], [10., 50.]], [[80., 10.], [80., 50.]]])
        >>> flat, seen = np.zeros((2, 2, 3)), np.ones((2, 2), bool)
        >>> boxes = np.array([[0., 0., 20., 60.], [70., 0., 90., 60.]])
        >>> truth = TruePeople(keypoints, seen, boxes, flat, seen)
        >>> OneToOne().match(truth, PredictedPeople(keypoints[::-1] + 3, flat), root=0)
        array([1, 0])
    """

    needs_3d = False

    def __init__(self, gate: float = 0.5):
        self.gate = gate

    def cost(self, truth: TruePeople, predicted: PredictedPeople) -> np.ndarray:
        """(N, M) mean pixel distance over person size; inf for a person without labelled keypoints."""
        return mean_distance(truth.keypoints_px, predicted.keypoints_px, truth.labelled) / truth.sizes_px[:, None]

    def match(self, truth: TruePeople, predicted: PredictedPeople, root: Root) -> np.ndarray:
        """(N,) index of each person's prediction, -1 for none. ``root`` is not used."""
        return _pair_exclusively(self.cost(truth, predicted), self.gate)


class OneToOne3D:
    """Exclusive pairs by mean absolute 3D distance; see the head of the module.

    Args:
        gate_mm: Largest mean distance in mm (exclusive).
    """

    needs_3d = True

    def __init__(self, gate_mm: float = 500.0):
        self.gate_mm = gate_mm

    def match(self, truth: TruePeople, predicted: PredictedPeople, root: Root) -> np.ndarray:
        """(N,) index of each person's prediction, -1 for none. ``root`` is not used."""
        cost = mean_distance(truth.keypoints_3d, predicted.keypoints_3d, truth.valid_3d)
        return _pair_exclusively(cost, self.gate_mm)


class Nearest:
    """Not exclusive: the prediction with the nearest root-relative pose; ties go to the lowest index."""

    needs_3d = True

    def match(self, truth: TruePeople, predicted: PredictedPeople, root: Root) -> np.ndarray:
        """(N,) index of each person's prediction, -1 where nothing is predicted or no keypoint is valid."""
        if len(truth) == 0 or len(predicted) == 0:
            return np.full(len(truth), -1, dtype=np.int64)
        gt = truth.keypoints_3d - root_position(truth.keypoints_3d, root)[:, None]
        pred = predicted.keypoints_3d - root_position(predicted.keypoints_3d, root)[:, None]
        # a root that is not valid gives no relative pose
        usable = truth.valid_3d & truth.valid_3d[:, np.atleast_1d(root)].all(1, keepdims=True)
        cost = mean_distance(gt, pred, usable)
        return np.where(np.isfinite(cost).any(1), cost.argmin(1), -1)


#: name -> rule
MATCHING_RULES: dict[str, type] = dict(one_to_one=OneToOne, one_to_one_3d=OneToOne3D, nearest=Nearest)


def build_matching(rule: str | dict):
    """Matching rule from its name, or from a dict with its name as ``type`` and its arguments.

    Raises:
        KeyError: Unknown name.

    Example:
        >>> build_matching(dict(type='one_to_one_3d', gate_mm=250.)).gate_mm
        250.0
    """
    options = dict(type=rule) if isinstance(rule, str) else dict(rule)
    return MATCHING_RULES[options.pop('type')](**options)


def covered_by_ignored(
    ignored: TruePeople, is_region: np.ndarray, predicted: PredictedPeople, gate: float = 0.5
) -> np.ndarray:
    """Predictions that fall on people who are not evaluated; they are neither right nor wrong.

    A prediction is covered by a person within the gate of the ``one_to_one`` cost, or, where the ignored item is a
    region (a crowd, or a person without labelled keypoints), if at least half of its keypoints lie in the box.
    Several predictions may be covered by one item.

    Args:
        ignored: People left out, (N, …).
        is_region: (N,) bool, judge by the box instead of the keypoints.
        predicted: Predictions not paired with an evaluated person, (M, …).
        gate: See :class:`OneToOne`.

    Returns:
        (M,) bool.

    Example:
        >>> none = np.zeros((1, 2, 3))
        >>> crowd = TruePeople(none[..., :2], np.zeros((1, 2), bool), np.array([[0., 0., 9., 9.]]), none, none[..., 0])
        >>> people = PredictedPeople(np.array([[[5., 5.], [20., 20.]], [[20., 5.], [20., 20.]]]), np.zeros((2, 2, 3)))
        >>> covered_by_ignored(crowd, np.array([True]), people)
        array([ True, False])
    """
    if len(ignored) == 0 or len(predicted) == 0:
        return np.zeros(len(predicted), dtype=bool)
    near = OneToOne(gate).cost(ignored, predicted) < gate  # (N, M)
    low, high = ignored.bboxes[:, None, None, :2], ignored.bboxes[:, None, None, 2:]
    points = predicted.keypoints_px[None]  # (1, M, K, 2)
    inside = ((points >= low) & (points <= high)).all(-1).mean(-1) >= 0.5  # (N, M)
    return np.where(np.asarray(is_region, dtype=bool)[:, None], inside, near).any(0)
