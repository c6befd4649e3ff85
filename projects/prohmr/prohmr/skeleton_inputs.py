"""The input of a network that lifts keypoints, with its labels; no image is opened."""

from __future__ import annotations

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.registry import TRANSFORMS
from das_mm.structures import get_keypoint_set

from .skeleton_joints import INPUT_JOINTS, OUTPUT_JOINTS, ROOT, rows_of

_META_KEYS = ('img_id', 'img_path', 'ori_shape', 'camera', 'sample_key', 'dataset_name', 'seq', 'view', 'frame')


@TRANSFORMS.register_module()
class PackSkeletonInputs(BaseTransform):
    """Makes the network's input and a ``PoseDataSample`` from a record of a person (of the person view, or sampled).

    ``inputs``: (17, 2) float32 px, in the order of :data:`.INPUT_JOINTS`. A person of whom one of them is not labelled
    is passed over in training; in tests the input is NaN, and nobody is found.

    ``gt_instance_labels``: ``keypoints_3d`` (1, 16, 3) m about the pelvis in the camera frame, in the order of
    :data:`.OUTPUT_JOINTS`, and ``has_pose_3d`` (1,), 1 where all of them are known (zeros stand there otherwise).
    ``gt_instances``: ``keypoints_3d`` (1, K, 3) mm about the pelvis and ``keypoints_3d_valid`` (1, K), of the record's
    set.

    Args:
        test_mode: Keep people whose input is not whole.
    """

    def __init__(self, test_mode: bool = False) -> None:
        self.test_mode = test_mode

    def transform(self, results: dict) -> dict | None:
        kset = get_keypoint_set(results['keypoint_set'])
        places = np.asarray(results['keypoints_2d'], np.float64)
        points = np.asarray(results['keypoints_3d'], np.float64)
        seen = places[rows_of(INPUT_JOINTS, kset)]
        whole = bool((seen[:, 2] > 0).all() and np.isfinite(seen).all())
        if not whole and not self.test_mode:
            return None
        inputs = np.where(whole, seen[:, :2], np.nan)
        root = points[kset.index(ROOT)]
        output = points[rows_of(OUTPUT_JOINTS, kset)]
        known = bool(root[3] > 0 and (output[:, 3] > 0).all() and results['has_pose_3d'])
        labels, truth = InstanceData(), InstanceData()
        target = output[:, :3] - root[:3] if known else np.zeros((len(output), 3))
        labels.set_field(torch.from_numpy(target.astype(np.float32))[None], 'keypoints_3d')
        labels.set_field(torch.tensor([float(known)]), 'has_pose_3d')
        about_root = 1e3 * (points[None, :, :3] - root[:3])
        truth.set_field(about_root.astype(np.float32), 'keypoints_3d')
        truth.set_field((points[None, :, 3] > 0) & (root[3] > 0), 'keypoints_3d_valid')
        sample = PoseDataSample(metainfo={key: results[key] for key in _META_KEYS if key in results})
        sample.gt_instance_labels, sample.gt_instances = labels, truth
        return dict(inputs=torch.from_numpy(inputs.astype(np.float32)), data_samples=sample)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(test_mode={self.test_mode})'
