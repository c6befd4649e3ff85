"""How far projected bodies are from labelled keypoints: what can be measured on photographs with 2D labels alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.registry import METRICS
from das_mm.structures.arrays import to_numpy


@METRICS.register_module()
class ReprojectionMetric(BaseMetric):
    """Distances in the image over the side of the square that was cut out, one person a sample, in percent.

    Reads ``keypoints`` (1, K, 2) px of ``pred_instances``, and ``keypoints`` and ``keypoints_flags`` of
    ``gt_instances`` as :class:`das_mm.datasets.PackPersonInputs` packs them. A person counts as much as any other,
    however many of its keypoints are labelled; who has none is left out. A prediction that is not finite is as wrong as
    one a whole side away.

    Gives ``reprojection``, the mean distance, and ``PCK``, the share of keypoints that are nearer than the threshold.

    Args:
        threshold: Of PCK, percent of the side.
        collect_device, prefix: As in mmengine's ``BaseMetric``.
    """

    default_prefix = '2d'

    def __init__(self, threshold: float = 10.0, collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.threshold = threshold

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Means of the people of a batch."""
        for sample in data_samples:
            truth = sample['gt_instances']
            labelled = to_numpy(truth['keypoints_flags'])[0] > 0
            if not labelled.any():
                continue
            seen = to_numpy(sample['pred_instances']['keypoints'], np.float64)[0][labelled]
            distance = np.linalg.norm(seen - to_numpy(truth['keypoints'], np.float64)[0][labelled], axis=1)
            percent = 100 * np.nan_to_num(distance / float(sample['box_scale']), nan=1.0, posinf=1.0)
            self.results.append((percent.mean(), 100 * (percent < self.threshold).mean()))

    def compute_metrics(self, results: list[tuple[float, float]]) -> dict[str, float]:
        """Means over people; NaN without anybody."""
        mean, share = np.mean(results, axis=0) if results else (np.nan, np.nan)
        print_log(
            f'{len(results)} people: keypoints {mean:.2f} % of the crop away, {share:.1f} % of them nearer than '
            f'{self.threshold:g} %',
            logger='current',
            level=logging.INFO,
        )
        return dict(reprojection=float(mean), PCK=float(share), num_people=float(len(results)))
