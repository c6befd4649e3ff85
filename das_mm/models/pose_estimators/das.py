"""The DAS estimator: features, heads, data samples (journal paper §3.1). It knows no task by name."""

from __future__ import annotations

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.structures import PoseDataSample
from mmpose.utils.typing import ConfigType, InstanceList, OptConfigType, OptMultiConfig, SampleList
from torch import Tensor

from das_mm.registry import MODELS
from das_mm.structures.camera_space import to_camera_space
from das_mm.structures.cameras import default_intrinsics


@MODELS.register_module()
class DAS(BasePoseEstimator):
    """Backbone, pyramid, one head with its plug-in branches; people leave in camera space.

    Args:
        backbone, neck, head: Configs; the head is a :class:`DASHead`.
        test_cfg: Beside the head's keys ``default_fov_deg`` (55): the field of view across the longer side that is
            assumed for an image of unknown intrinsics. Its results say ``camera['source'] == 'default_fov'``.
    """

    def __init__(
        self,
        backbone: ConfigType,
        neck: OptConfigType = None,
        head: OptConfigType = None,
        train_cfg: OptConfigType = None,
        test_cfg: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
        metainfo: dict | None = None,
    ):
        super().__init__(
            backbone=backbone,
            neck=neck,
            head=head,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
            metainfo=metainfo,
        )

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            inputs: (B, 3, H, W), normalised.
            data_samples: Samples with ``gt_instance_labels``.
        """
        return self.head.loss(self.extract_feat(inputs), data_samples, train_cfg=self.train_cfg)

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: SampleList) -> SampleList:
        """The samples with ``pred_instances`` added: original image px, camera mm, numpy arrays.

        Fields: ``keypoints`` (n, K, 2), ``keypoint_scores`` (n, K), ``keypoints_3d`` (n, K, 3), ``scores`` and
        ``bbox_scores`` (n,), ``bboxes`` (n, 4) xyxy around the keypoints, ``roots_px`` (n, 2), ``root_depths_mm``
        (n,), ``root_depths_norm`` (n,) mm per px of focal length and ``relative_depths_mm`` (n, K) (enough to solve
        the positions again for another camera), ``keypoints_sigma`` (n, K, 3) px, px, mm where it was asked for, and
        the fields of the task branches. The metainfo ``camera`` then holds the ``K`` used and its ``source``.
        """
        instances = self.head.predict(self.extract_feat(inputs), data_samples, test_cfg=self.test_cfg)
        return self.add_pred_to_datasample(instances, None, data_samples)

    def add_pred_to_datasample(
        self, batch_pred_instances: InstanceList, batch_pred_fields: None, batch_data_samples: SampleList
    ) -> SampleList:
        """Moves people from the network input into the original image and its camera space."""
        for found, sample in zip(batch_pred_instances, batch_data_samples):
            if 'image_fault' in sample.metainfo:  # a blank stands in for an image that could not be read
                found = found[:0]
            camera = self._camera_of(sample)
            sample.set_metainfo(dict(camera=camera))
            sample.pred_instances = self._to_camera(found, sample, camera)
        return batch_data_samples

    def _camera_of(self, sample: PoseDataSample) -> dict:
        """The sample's camera, or the stated default for an image whose intrinsics nobody knows."""
        camera = dict(sample.metainfo.get('camera') or {})
        if camera.get('K') is None:
            height, width = sample.metainfo['ori_shape'][:2]
            fov_deg = self.test_cfg.get('default_fov_deg', 55.0)
            camera.update(K=default_intrinsics(width, height, fov_deg), source='default_fov', fov_deg=fov_deg)
        return camera

    def _to_camera(self, found: InstanceData, sample: PoseDataSample, camera: dict) -> InstanceData:
        fields = {name: values.detach().float().cpu().numpy() for name, values in found.items()}
        warp = np.asarray(sample.metainfo['warp_mat'], dtype=np.float64)
        # a similarity: its scale is what the focal length was multiplied by on the way in
        scale = np.sqrt(abs(np.linalg.det(warp[:, :2])))
        keypoints, roots = (_unwarp(fields.pop(name), warp) for name in ('keypoints_px', 'roots_px'))
        if 'flip' in sample.metainfo and sample.metainfo['flip']:
            raise ValueError('people cannot be read from a mirrored input: left and right are swapped')
        depths_norm = fields.pop('root_depths_norm') * scale
        relative_mm = fields.pop('relative_depths_mm')
        keypoints_3d, root_depths_mm = to_camera_space(
            keypoints, depths_norm, relative_mm, camera['K'], camera.get('dist')
        )
        if 'keypoints_sigma' in fields:
            fields['keypoints_sigma'][..., :2] /= scale
        scores = fields.pop('scores')
        pose = InstanceData(
            keypoints=keypoints.astype(np.float32),
            keypoints_3d=keypoints_3d.astype(np.float32),
            # without sigma nothing is known of a single keypoint: the person speaks for all of them
            keypoint_scores=fields.pop('keypoint_scores', np.repeat(scores[:, None], keypoints.shape[1], axis=1)),
            scores=scores,
            bbox_scores=scores,
            bboxes=_boxes_around(keypoints, sample.metainfo['ori_shape']),
            roots_px=roots.astype(np.float32),
            root_depths_mm=root_depths_mm.astype(np.float32),
            root_depths_norm=depths_norm,
            relative_depths_mm=relative_mm,
        )
        if 'keypoints_sigma' in fields:
            pose.keypoints_sigma = fields.pop('keypoints_sigma')
        for branch in self.head.branches.values():
            fields = branch.to_camera(fields, pose, camera, warp)
        for name, values in fields.items():
            pose.set_field(values, name)
        return pose


def _unwarp(points_px: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """(..., 2) points of the network input back in the original image."""
    inverse = np.linalg.inv(warp[:, :2])
    return (points_px - warp[:, 2]) @ inverse.T


def _boxes_around(keypoints_px: np.ndarray, image_shape: tuple[int, ...]) -> np.ndarray:
    """(n, 4) xyxy boxes of (n, K, 2) keypoints, clipped to the image (height, width)."""
    height, width = image_shape[:2]
    boxes = np.concatenate([keypoints_px.min(axis=1), keypoints_px.max(axis=1)], axis=1)
    return boxes.clip(0, [width - 1, height - 1, width - 1, height - 1]).astype(np.float32)
