"""The input of a network that looks at one person's crop, with its labels."""

from __future__ import annotations

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData
from mmpose.datasets.transforms.formatting import image_to_tensor
from mmpose.structures import PoseDataSample

from das_mm.registry import TRANSFORMS
from das_mm.structures.rotations import axis_angle_to_matrix

from .formatting import check_size, ground_truth_instances

_META_KEYS = (
    'img_id',
    'img_path',
    'ori_shape',
    'img_shape',
    'camera',
    'input_K',
    'warp_mat',
    'crop_to_image',
    'flip',
    'augmentation',
    'bbox',
    'box_center',
    'box_scale',
    'sample_key',
    'dataset_name',
    'seq',
    'view',
    'frame',
    'activity',
    'image_fault',
)


@TRANSFORMS.register_module()
class PackPersonInputs(BaseTransform):
    """Makes the network's input and a ``PoseDataSample`` from a crop of :class:`.PersonCrop`.

    ``inputs``: (3, crop_px, crop_px) uint8, BGR; the data preprocessor normalises.

    ``gt_instance_labels`` (float32 tensors, leading dimension 1, frame of the crop): ``keypoints_2d`` (1, K, 3) in
    [-1, 1] and confidence, ``keypoints_3d`` (1, K, 4) m of the camera frame and confidence, ``smpl_pose`` (1, 72) rad,
    ``smpl_rotations`` (1, 24, 3, 3), ``smpl_betas`` (1, 10), ``has_smpl`` (1,) and ``has_pose_3d`` (1,) of 0 and 1.

    ``gt_instances`` (numpy, px and camera mm of the stored image) is that of :class:`.PackDASInputs` for the one
    person, keypoints in the view's set. Metainfo: ``augmentation`` (rotation_deg, flip, scale, shift, its order),
    ``crop_to_image`` (2, 3) px to px, ``warp_mat`` its inverse, ``bbox`` (4,), ``box_center`` and ``box_scale`` px,
    ``sample_key``, ``input_K``, and what is known of the image.
    """

    def transform(self, results: dict) -> dict:
        check_size(results)
        labels = InstanceData()
        pose = np.asarray(results['smpl_pose'], np.float64)
        for name, value in dict(
            keypoints_2d=results['keypoints_2d'],
            keypoints_3d=results['keypoints_3d'],
            smpl_pose=pose,
            smpl_rotations=axis_angle_to_matrix(pose.reshape(24, 3)),
            smpl_betas=results['smpl_betas'],
            has_smpl=results['has_smpl'],
            has_pose_3d=results['has_pose_3d'],
        ).items():
            labels.set_field(torch.from_numpy(np.asarray(value, np.float32)[None]), name)
        sample = PoseDataSample()
        sample.gt_instance_labels = labels
        sample.gt_instances = ground_truth_instances(dict(results['person'], gt=results['gt']))
        meta = {key: results[key] for key in _META_KEYS if key in results}
        for key in ('warp_mat', 'crop_to_image', 'input_K', 'box_center'):
            meta[key] = None if meta[key] is None else np.asarray(meta[key], np.float32)
        meta['bbox'] = np.asarray(meta['bbox'], np.float32).reshape(4)
        sample.set_metainfo(meta)
        return dict(inputs=image_to_tensor(results['img']), data_samples=sample)

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
