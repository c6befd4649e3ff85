"""The mean body of a training set, judged by the same metric as the network."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from mmengine.evaluator import BaseMetric

from das_mm.errors import UserError
from das_mm.structures.arrays import to_numpy

from ..functional.mesh import BodyParameters, mean_body, mean_body_baseline
from ..readers.mesh_reader import read_true_bodies
from ..readers.sample_reader import as_dict


def fit_mean_body_to_samples(samples: Iterable) -> BodyParameters:
    """Mean body of the people with SMPL truth.

    Args:
        samples: Data samples (``PoseDataSample`` or dict) with ``gt_instances``.

    Raises:
        UserError: There is no such person.
    """
    found = []
    for sample in map(as_dict, samples):
        instances = as_dict(sample.get('gt_instances') or {})
        people, known, _ = read_true_bodies(sample, len(instances.get('has_smpl', ())))
        if 'is_valid' in instances:
            known = known & (to_numpy(instances['is_valid'], np.float64) > 0)
        found.append(people[known])
    if not sum(map(len, found)):
        raise UserError(
            'no person with SMPL parameters', field='has_smpl', remedy='give a training set with SMPL parameters'
        )
    return mean_body(BodyParameters.concatenate(found))


def mean_body_scores(
    train_samples: Iterable, eval_samples: Iterable, metric: BaseMetric, orientation: str = 'mean'
) -> dict[str, float]:
    """Score of the mean body of the training set put where every person truly stands.

    Recall and precision of this baseline are given, not earned: it is told where the people are, in the image and in
    space.

    Args:
        train_samples: Where the mean is taken.
        eval_samples: Where it is judged. Both as data samples with ground truth, no predictions needed; for records of
            a dataset see :func:`das_mm.evaluation.record_to_sample`.
        metric: A ``MeshMetric`` with its ``dataset_meta`` set.
        orientation: ``'mean'`` or ``'true'``, see :func:`das_mm.evaluation.functional.mean_body_baseline`.

    Returns:
        The metric's table, names with its prefix.

    Raises:
        UserError: The training set has no person with SMPL parameters.
    """
    mean, size = fit_mean_body_to_samples(train_samples), 0
    for sample in map(as_dict, eval_samples):
        instances = as_dict(sample['gt_instances'])
        keypoints_px = np.nan_to_num(to_numpy(instances['keypoints'], np.float64))
        people, _, _ = read_true_bodies(sample, len(keypoints_px))
        placed = mean_body_baseline(mean, people, orientation)
        points = instances.get('keypoints_3d')
        points = (
            np.zeros((*keypoints_px.shape[:2], 3)) if points is None else np.nan_to_num(to_numpy(points, np.float64))
        )
        metric.process(
            None,
            [
                {
                    **sample,
                    'pred_instances': dict(
                        keypoints=keypoints_px,
                        keypoints_3d=points,
                        scores=np.ones(len(keypoints_px)),
                        **{f'smpl_{name}': column for name, column in vars(placed).items()},
                    ),
                }
            ],
        )
        size += 1
    return metric.evaluate(size)
