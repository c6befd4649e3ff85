"""Lifting of 2D poses to 3D: an estimator whose input are keypoints."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmpose.utils.typing import InstanceList, SampleList
from torch import Tensor

from das_mm.registry import MODELS

from .regressor_base import RegressorBase


@MODELS.register_module()
class KeypointLifter(RegressorBase):
    """mmpose's TCN with kernels of 1 is the network of Martinez et al.: 2K numbers through a stem of 1024 and two
    residual blocks. ``pred_instances`` have ``keypoints_3d`` (1, K, 3) mm in the camera, the root where the
    metainfo's ``keypoints_cam_mm`` have it.

    Args: as in mmpose.
    """

    def extract_feat(self, inputs: Any) -> tuple[Tensor, ...]:
        """(B, 2K) numbers, or a list of (2K,), to the features of the last block, (B, C, 1)."""
        inputs = torch.stack(list(inputs)) if isinstance(inputs, (list, tuple)) else inputs
        return super().extract_feat(inputs.float()[..., None])

    def add_pred_to_datasample(
        self, batch_pred_instances: InstanceList, batch_pred_fields: Any, batch_data_samples: SampleList
    ) -> SampleList:
        """Puts people back where their roots are."""
        person: Any
        for person, sample in zip(batch_pred_instances, batch_data_samples):
            truth = sample.metainfo.get('keypoints_cam_mm')
            if truth is not None:
                root = np.asarray(truth)[self.head.root_index]
                person.keypoints_3d = (person.keypoints_3d + root).astype(np.float32)
            sample.pred_instances = person
        return batch_data_samples
