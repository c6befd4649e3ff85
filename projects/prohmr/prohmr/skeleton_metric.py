"""How far the mode of a lifted pose is from the truth, and the best of many samples (thesis §4.4, Tables 12 and 16)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.errors import UserError
from das_mm.evaluation.functional.errors import mpjpe, pa_mpjpe
from das_mm.evaluation.readers.sample_reader import as_dict
from das_mm.registry import METRICS
from das_mm.structures import KEYPOINT_SETS
from das_mm.structures.arrays import to_numpy

from .quantisation import quantise
from .skeleton_joints import ROOT, SKELETON

_ROOT = KEYPOINT_SETS[SKELETON].index(ROOT)


@METRICS.register_module()
class SampledSkeletonMetric(BaseMetric):
    """MPJPE and PA-MPJPE, mm, of 17 joints about the pelvis, which counts as one of them.

    ``mode_…`` of the most likely pose; ``min_…`` of the best of mode and all samples; ``min<n>_…`` of the best of n
    that stand for all of these (K-means, see :mod:`.quantisation`). ``expected_MPJPE`` is how far the samples
    are from the mode on average: what the model thinks its error is. People who were not found or whose truth is not
    whole are counted, and in no mean.

    Args:
        quantised: The n; only those that are fewer than the samples.
        collect_device, prefix: As in mmengine's ``BaseMetric``.
    """

    def __init__(self, quantised: Sequence[int] = (), collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.quantised = tuple(quantised)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Errors of the people of a batch."""
        for sample in data_samples:
            told, truth = (as_dict(as_dict(sample).get(name) or {}) for name in ('pred_instances', 'gt_instances'))
            if truth.get('keypoints_3d') is None or 'keypoints_3d' not in told:
                raise UserError(
                    'a sample has no 3D keypoints',
                    field='gt_instances.keypoints_3d',
                    remedy='pack the data with PackSkeletonInputs, and predict with ProSkeleton',
                )
            gt, valid = to_numpy(truth['keypoints_3d'], np.float64)[0], to_numpy(truth['keypoints_3d_valid'])[0]
            mode = to_numpy(told['keypoints_3d'], np.float64)
            if not len(mode) or not valid.all():
                self.results.append({})
                continue
            self.results.append(self._errors(mode, to_numpy(told['sampled_keypoints_3d'], np.float64)[0], gt))

    def _errors(self, mode: np.ndarray, samples: np.ndarray, gt: np.ndarray) -> dict[str, float]:
        points = np.concatenate([mode, samples])  # (1 + S, 17, 3)
        same, valid = np.broadcast_to(gt, points.shape), np.ones(points.shape[:2], bool)
        chosen = {num: quantise(points, num) for num in self.quantised if num < len(points)}
        found: dict[str, float] = {}
        for name, errors in (
            ('MPJPE', mpjpe(points, same, valid, root=_ROOT)),
            ('PA-MPJPE', pa_mpjpe(points, same, valid)),
        ):
            found[f'mode_{name}'] = errors[0]
            if len(samples):
                found[f'min_{name}'] = errors.min()
            for num in self.quantised:
                if num in chosen:
                    found[f'min{num}_{name}'] = errors[chosen[num]].min()
        if len(samples):
            found['expected_MPJPE'] = np.linalg.norm(samples - mode, axis=-1).mean()
        return found

    def compute_metrics(self, results: list[dict[str, float]]) -> dict[str, float]:
        """Means over people; NaN without anybody."""
        known = [result for result in results if result]
        names = known[0] if known else ['mode_MPJPE', 'mode_PA-MPJPE']
        table = {name: float(np.mean([one[name] for one in known])) if known else float('nan') for name in names}
        table.update(num_people=float(len(known)), num_left_out=float(len(results) - len(known)))
        print_log(
            f'{len(known)} poses of 17 joints, {len(results) - len(known)} left out: '
            + ', '.join(f'{name} {value:.1f}' for name, value in table.items() if not name.startswith('num_')),
            logger='current',
            level=logging.INFO,
        )
        return table
