"""Inputs and labels of lifting, in the normalisation of the works that RLE follows (Pavllo et al. 2019)."""

from __future__ import annotations

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.errors import UserError
from das_mm.registry import TRANSFORMS

_META = ('id', 'img_id', 'img_path', 'keypoints_cam_mm', 'camera_matrix', 'root_depth_mm', 'raw_ann_info')


@TRANSFORMS.register_module()
class PackLiftingInputs(BaseTransform):
    """``inputs`` (2K,): x from -1 to 1 over the width, y in the same scale; labels (1, K, 3) metres from the root.

    The root itself is not learnt (weight 0): its label is 0 in every image.

    Args:
        root_index: Of the root.
        flip_prob: Probability of the mirror image, in training.

    Raises:
        UserError: A person of whom no keypoint is known in 3D.
    """

    def __init__(self, root_index: int = 0, flip_prob: float = 0.0):
        self.root_index, self.flip_prob = root_index, flip_prob

    def transform(self, results: dict) -> dict:
        space = results.get('keypoints_cam_mm')
        if space is None or not np.isfinite(np.delete(space, self.root_index, axis=0)).all(axis=1).any():
            raise UserError(
                'no visible joint: a person without a keypoint that is known in 3D',
                file=results.get('img_path'),
                field='keypoints_3d',
                remedy='lift people with 3D labels alone (with_depth=True)',
            )
        width, height = results['image_size']
        places = results['keypoints'][0, :, :2].astype(np.float32)
        flat = np.stack([2 * places[:, 0] / width - 1, 2 * places[:, 1] / width - height / width], axis=1)
        flat[results['keypoints_visible'][0] <= 0] = 0  # not seen: in the middle
        label = (space - space[self.root_index]) / 1000
        if np.random.random() < self.flip_prob:
            order = list(results['flip_indices'])
            flat, label = flat[order] * [-1, 1], label[order] * [-1, 1, 1]
        known = np.isfinite(label)
        weights = known.astype(np.float32)
        weights[self.root_index] = 0
        sample = PoseDataSample()
        sample.gt_instances = InstanceData(bboxes=results['bbox'])
        sample.gt_instance_labels = InstanceData(
            keypoint_labels=torch.from_numpy(np.where(known, label, 0).astype(np.float32))[None],
            keypoint_weights=torch.from_numpy(weights)[None],
        )
        sample.set_metainfo({key: results[key] for key in _META if key in results})
        return dict(inputs=torch.from_numpy(flat.astype(np.float32).ravel()), data_samples=sample)
