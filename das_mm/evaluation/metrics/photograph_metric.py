"""People of photographs that are labelled in 2D, not everyone of them: what may be said of a model there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from torchvision.ops import box_iou

from das_mm.errors import UserError
from das_mm.registry import METRICS
from das_mm.structures.arrays import to_numpy

from ..readers.sample_reader import as_dict, keypoint_indices

# the two diagonals of a torso, and the two ends of it where the keypoint set has no sides
_TORSO = (('left_shoulder', 'right_hip'), ('right_shoulder', 'left_hip'))


@METRICS.register_module()
class PhotographMetric(BaseMetric):
    """Best match of each labelled person, and boxes.

    ===========================  ====================================================================================
    ``pck_torso``                labelled keypoints within ``torso_share`` of the torso's length, of the prediction
                                 that has most of them (percent; a person without prediction has none)
    ``found``                    people half of whose labelled keypoints are right (percent)
    ``predictions_per_image``    how many people were said to be there: a best match comes the easier, the more are
    ``box_recall``               people whose box a prediction meets (IoU of at least ``least_iou``), best score first
    ``box_precision``            predictions that meet one: only of use where everyone is labelled
    ``recall_at_precision``      the greatest box recall over all thresholds whose precision is ``precision`` or more
    ``score_at_precision``       that threshold
    ===========================  ====================================================================================

    The torso is the diagonal from a shoulder to the opposite hip (the longer one where both are labelled, in px of the
    stored image); people without any, of no valid label or who are crowds, count in boxes alone. Only people whose box
    is ``least_height_px`` high are counted in boxes; a prediction that meets a smaller one is left out.

    Args:
        torso_share: Of the torso's length.
        least_height_px: Of a box, in the stored image.
        least_iou: Of the boxes; a prediction's is that of its keypoints, which is less than a whole body.
        precision: Percent, of ``recall_at_precision``.
        score_thr: Predictions scored below are left out everywhere.
        collect_device, prefix: As in mmengine's ``BaseMetric``.

    Raises:
        UserError: The keypoint set has no torso.
    """

    default_prefix = 'photograph'

    def __init__(
        self,
        torso_share: float = 0.5,
        least_height_px: float = 80.0,
        least_iou: float = 0.5,
        precision: float = 60.0,
        score_thr: float = 0.0,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.torso_share, self.least_height_px, self.least_iou = torso_share, least_height_px, least_iou
        self.precision, self.score_thr = precision, score_thr

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Counts of each image."""
        names = keypoint_indices(self.dataset_meta)
        torsos = [(names[a], names[b]) for a, b in _TORSO if a in names and b in names]
        if not torsos:
            raise UserError(
                'the keypoint set has no shoulders and hips',
                field='dataset_meta',
                remedy='use a set that has them, such as panoptic15',
            )
        for sample in map(as_dict, data_samples):
            truth, found = sample['gt_instances'], sample['pred_instances']
            scores = to_numpy(found['scores'], np.float64).reshape(-1)
            keep = scores >= self.score_thr
            joints = [to_numpy(one['keypoints'], np.float64).reshape(-1, len(names), 2) for one in (truth, found)]
            boxes = [to_numpy(one['bboxes'], np.float64).reshape(-1, 4) for one in (truth, found)]
            self.results.append(
                dict(
                    keypoints=_best_matches(joints[0], _labelled(truth), joints[1][keep], torsos, self.torso_share),
                    boxes=_box_matches(boxes[0], boxes[1][keep], scores[keep], self.least_iou, self.least_height_px),
                    number=int(keep.sum()),
                )
            )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """The numbers over all images."""
        right, labelled = np.array([pair for one in results for pair in one['keypoints']]).reshape(-1, 2).T
        people = sum(one['boxes'][0] for one in results)
        hits = np.array(sorted((pair for one in results for pair in one['boxes'][1]), reverse=True)).reshape(-1, 2)
        met = np.cumsum(hits[:, 1])
        precision = 100 * met / np.arange(1, len(hits) + 1)
        enough = np.flatnonzero(precision >= self.precision)
        last = enough[-1] if len(enough) else None
        return dict(
            pck_torso=_percent(right.sum(), labelled.sum()),
            found=_percent((2 * right >= labelled).sum(), len(labelled)),
            predictions_per_image=float(np.mean([one['number'] for one in results])) if results else float('nan'),
            box_recall=_percent(hits[:, 1].sum(), people),
            box_precision=_percent(hits[:, 1].sum(), len(hits)),
            recall_at_precision=0.0 if last is None else _percent(met[last], people),
            score_at_precision=float('nan') if last is None else float(hits[last, 0]),
        )


def _percent(part: Any, whole: Any) -> float:
    return 100.0 * float(part) / float(whole) if whole else float('nan')


def _labelled(truth: dict) -> np.ndarray:
    """(N, K) bool: labelled keypoints of people who count."""
    visible = to_numpy(truth['keypoints_visible'], np.float64)
    counts = np.ones(len(visible), dtype=bool)
    for name, wanted in (('is_valid', True), ('iscrowd', False)):
        if name in truth:
            counts &= to_numpy(truth[name], bool).reshape(-1) == wanted
    return (visible > 0) & counts[:, None]


def _best_matches(
    truth: np.ndarray, labelled: np.ndarray, found: np.ndarray, torsos: list[tuple[int, int]], share: float
) -> list[tuple[int, int]]:
    """Right and labelled keypoints of each person (N, K, 2) px who has a torso, of the best of (M, K, 2)."""
    matches = []
    for place, known in zip(truth, labelled):
        lengths = [np.linalg.norm(place[a] - place[b]) for a, b in torsos if known[a] and known[b]]
        if not lengths or max(lengths) <= 0:
            continue
        near = np.linalg.norm(found - place, axis=-1) < share * max(lengths)  # (M, K)
        matches.append((int((near & known).sum(axis=1).max(initial=0)), int(known.sum())))
    return matches


def _box_matches(
    truth: np.ndarray, found: np.ndarray, scores: np.ndarray, least_iou: float, least_height_px: float
) -> tuple[int, list[tuple[float, int]]]:
    """How many people count, and for every prediction that counts its score and whether it meets one of them."""
    counts = truth[:, 3] - truth[:, 1] >= least_height_px
    overlap, free = _iou(found, truth), np.ones(len(truth), dtype=bool)
    hits = []
    for row in np.argsort(-scores, kind='stable'):
        candidates = np.where(free, overlap[row], -1)
        best = int(candidates.argmax()) if len(candidates) else -1
        if best < 0 or candidates[best] < least_iou:
            hits.append((float(scores[row]), 0))
            continue
        free[best] = False
        if counts[best]:
            hits.append((float(scores[row]), 1))
    return int(counts.sum()), hits


def _iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(N, M) of boxes (N, 4) and (M, 4) xyxy; 0 of boxes without an area."""
    return np.nan_to_num(box_iou(torch.from_numpy(first), torch.from_numpy(second)).numpy())
