"""Baselines that need no network, judged by the same metric as the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.arrays import to_numpy
from das_mm.structures.cameras import focal_px

from ..functional.alignment import Root, root_position
from ..functional.mean_pose import MeanPose, fit_mean_pose, mean_pose_predictions
from ..readers.sample_reader import as_dict, has_3d, read_ground_truth, resolve_root

if TYPE_CHECKING:
    from ..metrics.multi_person_3d_metric import MultiPerson3DMetric


def record_to_sample(record: Mapping) -> dict:
    """A data record of the dataset (before its pipeline) as a data sample, so that no image need be loaded.

    Args:
        record: What ``DASDataset.get_data_info(i)`` gives: ground truth at the top level.

    Returns:
        The record with the fields that metrics read in ``gt_instances``.
    """
    renamed = dict(bbox='bboxes', ann_id='ann_ids')
    instances = {renamed.get(name, name): value for name, value in record.items()}
    return {**record, 'gt_instances': instances}


def fit_mean_pose_to_samples(samples: Iterable, root: Root) -> MeanPose:
    """Mean pose and mean normalised depth of the people with 3D truth in images with known intrinsics.

    Args:
        samples: Data samples (``PoseDataSample`` or dict) with ``gt_instances`` and ``camera``.
        root: Index or indices of the root.

    Raises:
        UserError: No such person.
    """
    poses, valid, focal = [], [], []
    for sample in map(as_dict, samples):
        K = (sample.get('camera') or {}).get('K')
        if K is None or not has_3d(sample):
            continue
        people = read_ground_truth(sample, root, 'valid')
        people = people.select(people.data['has_pose'])
        if len(people):
            poses.append(people.keypoints_cam_mm)
            valid.append(people.keypoints_cam_valid)
            focal.append(np.full(len(people), float(focal_px(to_numpy(K, np.float64)))))
    if not poses:
        raise UserError(
            'no person with 3D ground truth in an image with known intrinsics',
            field='keypoints_3d',
            remedy='give a training set with 3D ground truth',
        )
    return fit_mean_pose(np.concatenate(poses), np.concatenate(valid), np.concatenate(focal), root)


def mean_pose_baseline(
    train_samples: Iterable, eval_samples: Iterable, metric: MultiPerson3DMetric
) -> dict[str, float]:
    """Score of the mean pose of the training set put at every true root; see ``functional.mean_pose``.

    Recall and precision of this baseline are given, not earned: it is told where the people are in the image (all their
    pixels, for the sake of pairing), though not how far.

    Args:
        train_samples: Where the mean is taken.
        eval_samples: Where it is judged. Both as data samples with ground truth, no predictions needed; for records of
            a dataset see :func:`record_to_sample`.
        metric: A ``MultiPerson3DMetric`` with its ``dataset_meta`` set.

    Returns:
        The metric's table, names with its prefix.

    Raises:
        UserError: The training set has no person with 3D truth.
    """
    names = {name: index for index, name in enumerate(metric.keypoint_names)}
    root = resolve_root(metric.root, names)
    stats = fit_mean_pose_to_samples(train_samples, root)
    size = 0
    for sample in map(as_dict, eval_samples):
        camera = sample.get('camera') or {}
        people = read_ground_truth(sample, root, 'valid', len(stats.pose_mm))
        # an image without intrinsics gives no depth: nothing is predicted there
        people = people.select(people.data['evaluated'] & (camera.get('K') is not None))
        roots_px = root_position(people.keypoints_px, root)
        K = to_numpy(camera['K'], np.float64) if len(people) else np.eye(3)
        dist = None if camera.get('dist') is None else to_numpy(camera['dist'], np.float64)
        predictions = mean_pose_predictions(stats, roots_px, K, dist)
        # the true pixels pair everybody with their own mean pose, however wrong its depth; only 3D is judged
        true_px = people.keypoints_px
        predictions['keypoints'] = np.where(np.isfinite(true_px), true_px, predictions['keypoints'])
        metric.process(None, [{**sample, 'pred_instances': predictions}])
        size += 1
    return metric.evaluate(size)
