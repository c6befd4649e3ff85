"""HRNet + RLE (RLE §4.1, Table 2b): coordinates by soft-argmax over maps, scales by a linear layer on pooled features.

Shapes: B people, C channels, (H, W) cells, K keypoints.
"""

from __future__ import annotations

import torch
from mmpose.utils.typing import ConfigType, OptConfigType
from torch import Tensor, nn

from das_mm.registry import MODELS

from .keypoint_estimate import RegressionOutput
from .regression_head import KeypointRegressionHead


def soft_argmax(maps: Tensor) -> Tensor:
    """Expected place under the softmax of each map, in the frame x / W - 0.5, y / H - 0.5.

    Cell i stands for i / W of the crop, as heatmap targets of a quarter of its size put it.

    Args:
        maps: (B, K, H, W) logits.

    Returns:
        (B, K, 2)
    """
    height, width = maps.shape[-2:]
    mass = maps.flatten(2).softmax(dim=2).unflatten(2, (height, width))
    x, y = (torch.arange(cells, dtype=maps.dtype, device=maps.device) / cells for cells in (width, height))
    return torch.stack([(mass.sum(2) * x).sum(-1), (mass.sum(3) * y).sum(-1)], dim=-1) - 0.5


@MODELS.register_module()
class SoftArgmaxFlowHead(KeypointRegressionHead):
    """A 1×1 convolution gives K maps, their soft-argmax the coordinates; the average of the features the scales.

    Args:
        in_channels: C.
        num_keypoints, loss, decoder: See :class:`KeypointRegressionHead`.
    """

    def __init__(
        self, in_channels: int, num_keypoints: int, loss: ConfigType | None = None, decoder: OptConfigType = None
    ):
        super().__init__(num_keypoints, 2, loss, decoder)
        self.final_layer = nn.Conv2d(in_channels, num_keypoints, 1)
        nn.init.normal_(self.final_layer.weight, std=0.001)
        self.fc_sigma: nn.Module | None = None
        if self.uses_sigma:
            self.fc_sigma = nn.Linear(in_channels, 2 * num_keypoints)
            nn.init.xavier_uniform_(self.fc_sigma.weight, gain=0.01)

    def forward(self, feats: tuple[Tensor, ...]) -> RegressionOutput:
        """Coordinates and raw scales (B, K, 2) of a feature (B, C, H, W), the first of ``feats`` (the finest)."""
        feature = feats[0]
        coords = soft_argmax(self.final_layer(feature))
        if self.fc_sigma is None:
            return RegressionOutput(coords, None)
        return RegressionOutput(coords, self.fc_sigma(feature.mean(dim=(2, 3))).unflatten(1, (self.num_keypoints, 2)))
