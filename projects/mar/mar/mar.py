"""The MAR estimator: one network for all people of an image (Zhang et al., ACM Multimedia 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.models.pose_estimators import DAS
from das_mm.registry import MODELS
from das_mm.structures import focal_px, warp_scale
from das_mm.structures.task_fields import TaskDescription, TaskField

_DEPTHS = ('depth_regression', 'depth_regression_sigma', 'depth_geometry', 'depth_geometry_sigma')


@MODELS.register_module()
class MAR(DAS):
    """Backbone, perhaps a pyramid, and a :class:`.MARHead`; people leave in camera space as those of DAS do.

    Beside the pose every person has ``depth_regression_mm``, ``depth_geometry_mm`` and their ``_sigma_mm`` (n,), of
    which the root depth was fused (NaN and infinity where the geometry has no answer), ``depth_geometry_valid`` (n,)
    0/1 and ``keypoint_from_heatmap`` (n, K) 0/1.

    Args:
        backbone, neck, head, test_cfg, …: As of DAS. ``test_cfg`` goes over :data:`.mar_decoder.DECODING` and has
            ``default_fov_deg``.
    """

    @property
    def tasks(self) -> dict[str, TaskDescription]:
        """What it does, by name."""
        depths = tuple(TaskField(f'{name}_mm', group=name.removesuffix('_sigma'), digits=1) for name in _DEPTHS)
        seen = TaskField('keypoint_from_heatmap', (self.num_keypoints,), digits=0)
        return dict(pose=TaskDescription('pose', (*depths, seen)))

    def _to_camera(self, found: InstanceData, sample: PoseDataSample, camera: dict[str, Any]) -> InstanceData:
        pose = super()._to_camera(found, sample, camera)
        scale = warp_scale(np.asarray(sample.metainfo['warp_mat'], np.float64))
        millimetres = float(scale * focal_px(np.asarray(camera['K'], np.float64)))
        for name in _DEPTHS:
            pose.set_field((pose.pop(f'{name}_norm') * millimetres).astype(np.float32), f'{name}_mm')
        return pose
