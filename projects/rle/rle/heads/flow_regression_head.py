"""ResNet + FC: the head of RLE §4 and of its released code, in 2D and 3D.

The weights are called as in that code: ``fc_coord.linear.*``, ``fc_sigma.linear.*`` in 2D, ``fc_sigma.*`` in 3D.
"""

from __future__ import annotations

import torch
from mmpose.utils.typing import ConfigType, OptConfigType
from torch import Tensor, nn

from das_mm.registry import MODELS

from .keypoint_estimate import RegressionOutput
from .normalized_linear import NormalizedLinear
from .regression_head import KeypointRegressionHead


@MODELS.register_module()
class FlowRegressionHead(KeypointRegressionHead):
    """Two linear layers on the pooled feature: K·D coordinates and as many raw scales.

    The paper says one layer of 4K; two are the same. The released code divides the dot products of the coordinates by
    the length of the feature, before their bias, and those of the scales not; the paper says nothing of it.

    Args:
        in_channels: Channels of the pooled feature.
        num_keypoints, dims, loss, decoder, root_index: See :class:`KeypointRegressionHead`.
        feature_norm: Divide the coordinates' dot products by the length of the feature.
    """

    def __init__(
        self,
        in_channels: int,
        num_keypoints: int,
        dims: int = 2,
        loss: ConfigType | None = None,
        decoder: OptConfigType = None,
        root_index: int = 0,
        feature_norm: bool = True,
    ):
        super().__init__(num_keypoints, dims, loss, decoder, root_index)
        outputs = num_keypoints * dims
        self.fc_coord = NormalizedLinear(in_channels, outputs, normalized=feature_norm)
        self.fc_sigma: nn.Module | None = None
        if self.uses_sigma and dims == 2:
            self.fc_sigma = NormalizedLinear(in_channels, outputs, normalized=False)
        elif self.uses_sigma:
            self.fc_sigma = nn.Linear(in_channels, outputs)
            nn.init.xavier_uniform_(self.fc_sigma.weight, gain=0.01)

    def forward(self, feats: tuple[Tensor, ...]) -> RegressionOutput:
        """Coordinates and raw scales (B, K, D) of a pooled feature (B, C), or (B, C, 1, 1), the last of ``feats``."""
        feature = torch.flatten(feats[-1], 1)
        shape = (len(feature), self.num_keypoints, self.dims)
        coords = self.fc_coord(feature).reshape(shape)
        return RegressionOutput(coords, None if self.fc_sigma is None else self.fc_sigma(feature).reshape(shape))
