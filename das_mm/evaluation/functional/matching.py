"""Who is who: matchers that pair predicted with true people of one image.

Letters: N true people, M predicted people, K keypoints. A matcher is a small object with ``match(ground_truth,
predicted, root)`` giving, for every true person, the index of its prediction or -1. Scores play no part; equal inputs
give equal pairs. Both sides are :class:`.People` with ``keypoints_px`` and ``keypoints_cam_mm``; the true ones also
with ``bboxes_px``, ``keypoints_valid`` (labelled, and inside the image) and ``keypoints_cam_valid``, both bool.

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

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from das_mm.structures.people import People

from .alignment import Root, root_position


def mean_distance(gt: np.ndarray, pred: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean over masked keypoints of the distance of gt (N, K, D) to pred (M, K, D): (N, M), inf for empty masks."""
    gt = np.where(mask[..., None], gt, 0.0)  # unlabelled places may hold NaN
    distance = np.linalg.norm(gt[:, None] - pred[None], axis=-1)  # (N, M, K)
    count = mask.sum(1)[:, None]  # (N, 1)
    total = (distance * mask[:, None]).sum(-1)
    return np.divide(total, count, out=np.full(total.shape, np.inf), where=count > 0)


def match_within_gate(cost: np.ndarray, gate: float) -> np.ndarray:
    """Hungarian algorithm on the cost (N, M) cut at the gate; (N,) index of the prediction or -1."""
    pairs = np.full(cost.shape[0], -1, dtype=np.int64)
    rows, columns = linear_sum_assignment(np.minimum(cost, gate))
    accepted = cost[rows, columns] < gate
    pairs[rows[accepted]] = columns[accepted]
    return pairs


class OneToOneMatcher:
    """Exclusive pairs by mean keypoint distance in the image; see the head of the module.

    Args:
        gate: Largest mean distance, as a fraction of the person's size (exclusive).

    Example:
        >>> keypoints = np.array([[[10., 10.], [10., 50.]], [[80., 10.], [80., 50.]]])
        >>> boxes = np.array([[0., 0., 20., 60.], [70., 0., 90., 60.]])
        >>> true = People(bboxes_px=boxes, keypoints_px=keypoints, keypoints_valid=np.ones((2, 2), bool))
        >>> OneToOneMatcher().match(true, People(keypoints_px=keypoints[::-1] + 3), root=0)
        array([1, 0])
    """

    needs_3d = False

    def __init__(self, gate: float = 0.5):
        self.gate = gate

    def cost(self, ground_truth: People, predicted: People) -> np.ndarray:
        """(N, M) mean pixel distance over person size; inf for a person without labelled keypoints."""
        distance = mean_distance(ground_truth.keypoints_px, predicted.keypoints_px, ground_truth.keypoints_valid)
        return distance / ground_truth.sizes_px()[:, None]

    def match(self, ground_truth: People, predicted: People, root: Root) -> np.ndarray:
        """(N,) index of each person's prediction, -1 for none. ``root`` is not used."""
        return match_within_gate(self.cost(ground_truth, predicted), self.gate)


class OneToOneMatcher3D:
    """Exclusive pairs by mean absolute 3D distance; see the head of the module.

    Args:
        gate_mm: Largest mean distance in mm (exclusive).
    """

    needs_3d = True

    def __init__(self, gate_mm: float = 500.0):
        self.gate_mm = gate_mm

    def match(self, ground_truth: People, predicted: People, root: Root) -> np.ndarray:
        """(N,) index of each person's prediction, -1 for none. ``root`` is not used."""
        cost = mean_distance(
            ground_truth.keypoints_cam_mm, predicted.keypoints_cam_mm, ground_truth.keypoints_cam_valid
        )
        return match_within_gate(cost, self.gate_mm)


class NearestPoseMatcher:
    """Not exclusive: the prediction with the nearest root-relative pose; ties go to the lowest index."""

    needs_3d = True

    def match(self, ground_truth: People, predicted: People, root: Root) -> np.ndarray:
        """(N,) index of each person's prediction, -1 where nothing is predicted or no keypoint is valid."""
        if len(ground_truth) == 0 or len(predicted) == 0:
            return np.full(len(ground_truth), -1, dtype=np.int64)
        gt, pred = (
            people.keypoints_cam_mm - root_position(people.keypoints_cam_mm, root)[:, None]
            for people in (ground_truth, predicted)
        )
        # a root that is not valid gives no relative pose
        valid = ground_truth.keypoints_cam_valid
        cost = mean_distance(gt, pred, valid & valid[:, np.atleast_1d(root)].all(1, keepdims=True))
        return np.where(np.isfinite(cost).any(1), cost.argmin(1), -1)


class NearestRootMatcher:
    """Who is who as in ROMP's evaluation of 3DPW: the prediction whose root is nearest in the image, not exclusive and
    without a gate. Recall says little under this rule, and errors are optimistic in crowds.

    Example:
        >>> two = np.array([[[10., 10.]], [[90., 10.]]])
        >>> NearestRootMatcher().match(People(keypoints_px=two), People(keypoints_px=two[1:] - 2), root=0)
        array([0, 0])
    """

    needs_3d = False

    def match(self, ground_truth: People, predicted: People, root: Root) -> np.ndarray:
        """(N,) index of each person's prediction, -1 where nothing is predicted."""
        if len(ground_truth) == 0 or len(predicted) == 0:
            return np.full(len(ground_truth), -1, dtype=np.int64)
        places = [root_position(people.keypoints_px, root) for people in (ground_truth, predicted)]
        return np.linalg.norm(places[0][:, None] - places[1][None], axis=-1).argmin(1)


Matcher = OneToOneMatcher | OneToOneMatcher3D | NearestPoseMatcher | NearestRootMatcher

#: name -> matcher
MATCHERS: dict[str, type[Matcher]] = dict(
    one_to_one=OneToOneMatcher, one_to_one_3d=OneToOneMatcher3D, nearest=NearestPoseMatcher
)


def build_matcher(rule: str | dict) -> Matcher:
    """Matcher from its name, or from a dict with its name as ``type`` and its arguments.

    Raises:
        KeyError: Unknown name.

    Example:
        >>> build_matcher(dict(type='one_to_one_3d', gate_mm=250.)).gate_mm
        250.0
    """
    options: dict[str, Any] = dict(type=rule) if isinstance(rule, str) else dict(rule)
    return MATCHERS[options.pop('type')](**options)
