"""Two-stage 3D (RLE §5): from the 2D pose to the 3D pose by the network of Martinez et al., with scales.

Shapes: B people, K keypoints.
"""

from __future__ import annotations

from typing import Any

import torch
from mmengine.structures import InstanceData
from mmpose.utils.typing import ConfigType, InstanceList

from das_mm.registry import MODELS

from .flow_regression_head import FlowRegressionHead
from .keypoint_estimate import RegressionOutput, read_output


@MODELS.register_module()
class LiftingFlowHead(FlowRegressionHead):
    """Coordinates in metres relative to the root, on the feature of the fully connected network. The root is at 0.

    Args:
        in_channels: Of the feature.
        num_keypoints, loss, root_index: See :class:`FlowRegressionHead`.
        feature_norm: Off, as the paper's baseline has it.
    """

    def __init__(
        self,
        in_channels: int,
        num_keypoints: int,
        loss: ConfigType | None = None,
        root_index: int = 0,
        feature_norm: bool = False,
    ):
        loss = loss or dict(type='ResidualLikelihoodLoss', dims=3)
        super().__init__(in_channels, num_keypoints, 3, loss, None, root_index, feature_norm)

    @torch.no_grad()
    def predict_by_feat(
        self, output: RegressionOutput, mirrored: Any = None, flip_indices: Any = None, shift: bool = True
    ) -> InstanceList:
        """People: ``keypoints_3d`` (1, K, 3) mm relative to the root, ``keypoint_scores`` (1, K)."""
        plain = read_output(output)
        relative = 1000 * plain.coords
        relative[:, self.root_index] = 0  # the origin of all labels; what the network says there is never learnt
        arrays = [values.float().cpu().numpy()[:, None] for values in (relative, plain.confidence)]
        return [InstanceData(keypoints_3d=pose, keypoint_scores=scores) for pose, scores in zip(*arrays)]
