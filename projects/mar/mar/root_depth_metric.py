"""How right the two depths of a root are, and their fusion, by the people who were found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.evaluation.functional.matching import OneToOneMatcher
from das_mm.evaluation.functional.pairing import pair_people
from das_mm.evaluation.readers.sample_reader import (
    as_dict,
    has_3d,
    keypoint_indices,
    read_ground_truth,
    read_predictions,
    resolve_root,
)
from das_mm.registry import METRICS

_COLUMNS = ('regression', 'geometry', 'told')
_DEPTHS = ('depth_regression_mm', 'depth_geometry_mm', 'root_depths_mm')
_SIGMAS = ('depth_regression_sigma_mm', 'depth_geometry_sigma_mm')


@METRICS.register_module()
class RootDepthMetric(BaseMetric):
    """Errors along z of the regressed, the geometric and the told root depth of a :class:`.MAR`.

    ``<depth>_median_mm`` and ``<depth>_mean_mm`` over the people who were found; those of the geometry over those for
    whom it has an answer, whose share is ``geometry_valid``, in percent, and for whom ``regression_same_median_mm`` and
    ``told_same_median_mm`` tell the other two. ``<depth>_sigma_ratio`` is the root of the mean squared error over σ, 1
    where σ is the standard deviation of the error.

    Args:
        score_thr: Predictions scored below are dropped.
        collect_device, prefix, collect_dir: As in mmengine's ``BaseMetric``.
    """

    default_prefix = 'root_depth'

    def __init__(
        self,
        score_thr: float = 0.0,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.score_thr = score_thr

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Errors (n, 3) of the found people of each image: regressed, geometric (NaN: no answer), told; and both σ."""
        names = keypoint_indices(self.dataset_meta)
        root = resolve_root(None, names)
        for sample in map(as_dict, data_samples):
            if not has_3d(sample):
                continue
            truth = read_ground_truth(sample, root, 'valid_in_image', len(names) or None)
            found = read_predictions(sample, self.score_thr, needs_3d=True, num_keypoints=len(names) or None)
            pairs = pair_people(OneToOneMatcher(), truth, found, found.data['usable'], root)
            counted = pairs.found & truth.data['has_pose'][pairs.evaluated]
            true_mm = truth.keypoints_cam_mm[pairs.evaluated[counted]][:, root].mean(1)[:, 2]
            told = as_dict(sample['pred_instances'])
            kept = np.flatnonzero(np.asarray(told['scores']) >= self.score_thr)
            rows = kept[pairs.partner[counted]]
            depths, sigmas = (
                np.stack([np.asarray(told[name], np.float64)[rows] for name in fields], 1)
                for fields in (_DEPTHS, _SIGMAS)
            )
            self.results.append(dict(errors=depths - true_mm[:, None], sigmas=sigmas))

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """The table of numbers over all images."""
        errors = np.concatenate([np.zeros((0, 3)), *(one['errors'] for one in results)])
        sigmas = np.concatenate([np.zeros((0, 2)), *(one['sigmas'] for one in results)])
        valid = np.isfinite(errors[:, 1])
        table = dict(num_people=float(len(errors)), geometry_valid=_mean(100.0 * valid))
        for index, name in enumerate(_COLUMNS):
            rows = valid if name == 'geometry' else np.ones(len(errors), bool)
            table[f'{name}_median_mm'] = _median(np.abs(errors[rows, index]))
            table[f'{name}_mean_mm'] = _mean(np.abs(errors[rows, index]))
            if name != 'geometry':
                table[f'{name}_same_median_mm'] = _median(np.abs(errors[valid, index]))
            if index < 2:
                table[f'{name}_sigma_ratio'] = float(np.sqrt(_mean((errors[rows, index] / sigmas[rows, index]) ** 2)))
        print_log(', '.join(f'{name} {value:.1f}' for name, value in table.items()), logger='current')
        return table


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float('nan')


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float('nan')
