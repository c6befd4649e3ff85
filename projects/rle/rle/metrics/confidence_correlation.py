"""Does a person's confidence say how right the pose is? Pearson's correlation with the OKS (RLE Table 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from das_mm.errors import UserError
from das_mm.registry import METRICS
from das_mm.structures.arrays import to_numpy
from das_mm.structures.keypoint_similarity import object_keypoint_similarity


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation of two series; NaN where one is constant.

    Example:
        >>> round(pearson(np.array([0., 1., 2.]), np.array([1., 3., 5.])), 6)
        1.0
    """
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / scale) if scale > 1e-12 else float('nan')


@METRICS.register_module()
class ConfidenceCorrelation(BaseMetric):
    """For people cropped by their true boxes: ``pearson`` of confidence and OKS, ``mean_oks``, ``mean_error``.

    The confidence is Eq. 9, the mean of the keypoint scores; the OKS is COCO's, with the area of the annotation. A
    person without a labelled keypoint has no OKS and is left out. ``mean_error`` is the distance of the labelled
    keypoints in shares of the square root of that area.
    """

    default_prefix = 'confidence'

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keeps confidence, OKS and errors of every person."""
        for sample in data_samples:
            annotation = sample['raw_ann_info']
            truth = np.asarray(annotation['keypoints'], dtype=np.float64).reshape(-1, 3)
            labelled = truth[:, 2] > 0
            if not labelled.any():
                continue
            found = to_numpy(sample['pred_instances']['keypoints'])[0, :, :2]
            scores = to_numpy(sample['pred_instances']['keypoint_scores'])[0]
            squared = np.square(found - truth[:, :2]).sum(axis=1)
            area = float(annotation.get('area') or np.prod(annotation['bbox'][2:]))
            sigmas = np.asarray(self.dataset_meta['sigmas'], dtype=np.float64)  # type: ignore[index]
            oks = object_keypoint_similarity(squared[None], np.array([area]), sigmas, labelled[None])[0]
            error = float(np.sqrt(squared[labelled]).mean() / np.sqrt(area))
            self.results.append((float(scores.mean()), float(oks), error))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The three numbers.

        Raises:
            UserError: No person has a labelled keypoint.
        """
        if not results:
            raise UserError(
                'no person has a labelled keypoint, so there is no OKS',
                field='val_dataloader.dataset.ann_file',
                remedy='evaluate on a set with labels',
            )
        confidence, oks, error = np.array(results).T
        return dict(pearson=pearson(confidence, oks), mean_oks=float(oks.mean()), mean_error=float(error.mean()))
