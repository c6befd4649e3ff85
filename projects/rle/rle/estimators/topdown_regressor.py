"""A top-down estimator with a regression head: one person a crop, told in the original image and its camera.

Letters: K keypoints, D coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmpose.utils.typing import InstanceList, SampleList

from das_mm.registry import MODELS
from das_mm.structures.camera_space import to_camera_space
from das_mm.structures.cameras import focal_px
from das_mm.structures.image_frame import known_camera

from .regressor_base import RegressorBase

# side of the cube around a person that the crop is taken for where nobody knows the depth of the root
ASSUMED_CROP_MM = 2000.0


@MODELS.register_module()
class TopdownRegressor(RegressorBase):
    """mmpose's top-down estimator that also speaks to inference (:mod:`das_mm.models.estimator_protocol`).

    Beside mmpose's fields ``pred_instances`` has ``scores`` (1,), the score of the box times the confidence of RLE
    Eq. 9; ``keypoints_sigma`` (1, K, D) px, px, mm of the original image; and for heads with depths
    ``relative_depths_mm`` (1, K) and ``keypoints_3d`` (1, K, 3), the back-projection by the camera with the root at
    ``root_depth_mm`` of the metainfo (known in evaluation), or else where a crop 2 m wide would stand. The score by
    which COCO ranks people (box + mean + largest keypoint score) is ``CocoMetric(score_mode='bbox_rle')``.

    Args:
        backbone, neck, head, train_cfg, test_cfg, data_preprocessor, init_cfg, metainfo: As in mmpose; ``test_cfg`` has
            ``flip_test``, ``shift_coords``, ``score_thr`` and ``default_fov_deg``.
    """

    input_view = 'person'

    def add_pred_to_datasample(
        self, batch_pred_instances: InstanceList, batch_pred_fields: Any, batch_data_samples: SampleList
    ) -> SampleList:
        """Moves people from their crops into the original image and its camera space."""
        crop_px = [np.array(person['keypoints']) for person in batch_pred_instances]
        samples = super().add_pred_to_datasample(batch_pred_instances, batch_pred_fields, batch_data_samples)
        for sample, keypoints in zip(samples, crop_px):
            self._finish(sample, keypoints)
        return samples

    def _finish(self, sample: Any, crop_px: np.ndarray) -> None:
        meta, people = sample.metainfo, sample.pred_instances
        if 'crop_to_image' in meta:  # (2, 3); mmpose's centre and scale know no rotation
            warp = np.asarray(meta['crop_to_image'], dtype=np.float64)
            people.keypoints = (crop_px @ warp[:, :2].T + warp[:, 2]).astype(np.float32)
            factor = np.full(2, np.sqrt(abs(np.linalg.det(warp[:, :2]))))
        else:
            factor = np.asarray(meta['input_scale'], np.float64) / np.asarray(meta['input_size'], np.float64)
        people.scores = (np.asarray(people.bbox_scores) * people.keypoint_scores.mean(axis=1)).astype(np.float32)
        if 'keypoints_sigma' in people:
            sigma = people.keypoints_sigma.copy()
            sigma[..., :2] *= factor
            people.keypoints_sigma = sigma.astype(np.float32)
        camera = known_camera(_camera(meta), meta['ori_shape'], (self.test_cfg or {}).get('default_fov_deg'))
        sample.set_metainfo(dict(camera=camera))
        if 'relative_depths_mm' in people:
            self._back_project(sample, camera, factor)

    def _back_project(self, sample: Any, camera: Mapping[str, Any], factor: np.ndarray) -> None:
        people, root_index = sample.pred_instances, self.head.root_index
        depth = sample.metainfo.get('root_depth_mm')
        # a crop of this many px shows 2 m at the depth of the root
        side_px = float(factor.max()) * max(self.head.decoder.input_size)
        norm = ASSUMED_CROP_MM / side_px if depth is None else depth / focal_px(camera['K'])
        norms = np.full(len(people.keypoints), norm)
        space, depths = to_camera_space(
            people.keypoints, norms, people.relative_depths_mm, camera['K'], camera.get('dist')
        )
        people.keypoints_3d, people.root_depths_mm = space.astype(np.float32), depths.astype(np.float32)
        people.root_depths_norm = norms.astype(np.float32)
        people.roots_px = people.keypoints[:, root_index]


def _camera(meta: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The camera that the sample knows."""
    if meta.get('camera') is not None:
        return meta['camera']
    matrix = meta.get('camera_matrix')
    return None if matrix is None else dict(K=matrix, source='annotation')
