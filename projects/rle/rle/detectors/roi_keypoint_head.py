"""The keypoint head of Mask R-CNN that regresses (RLE §4): eight convolutions, the average, one layer of 4K.

Shapes: N regions of interest, C channels, K keypoints.
"""

from __future__ import annotations

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmpose.utils.typing import ConfigType, OptConfigType
from torch import Tensor, nn

from das_mm.registry import MODELS

from ..heads.keypoint_estimate import KeypointEstimate, RegressionOutput, read_output


def boxes_to_frame(keypoints: Tensor, boxes: Tensor) -> Tensor:
    """Keypoints (N, K, 2) px in the frame of their boxes (N, 4): (x - x1) / w - 0.5, (y - y1) / h - 0.5."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-6)
    return (keypoints - boxes[:, None, :2]) / sides[:, None] - 0.5


def frame_to_boxes(coords: Tensor, boxes: Tensor) -> Tensor:
    """The inverse of :func:`boxes_to_frame`."""
    return (coords + 0.5) * (boxes[:, 2:] - boxes[:, :2])[:, None] + boxes[:, None, :2]


@MODELS.register_module()
class RoIKeypointFlowHead(BaseModule):
    """RoI features (N, C, H, W) to coordinates in the frame of the box and raw scales.

    Args:
        in_channels: C.
        num_keypoints: K.
        num_convs, conv_channels: Of the convolutions.
        loss: Config of the loss.
    """

    def __init__(
        self,
        in_channels: int = 256,
        num_keypoints: int = 17,
        num_convs: int = 8,
        conv_channels: int = 512,
        loss: ConfigType | None = None,
        init_cfg: OptConfigType = None,
    ):
        super().__init__(init_cfg)
        self.num_keypoints = num_keypoints
        channels = [in_channels, *[conv_channels] * num_convs]
        self.convs = nn.Sequential(*(ConvModule(a, b, 3, padding=1) for a, b in zip(channels, channels[1:])))
        self.fc = nn.Linear(channels[-1], 4 * num_keypoints)
        nn.init.xavier_uniform_(self.fc.weight, gain=0.01)
        self.loss_module = MODELS.build({'_scope_': 'das_mm', **(loss or dict(type='ResidualLikelihoodLoss', dims=2))})

    def forward(self, x: Tensor) -> RegressionOutput:
        """(N, C, H, W) -> coordinates and raw scales, (N, K, 2) each."""
        rows = self.fc(self.convs(x).mean(dim=(2, 3))).unflatten(1, (self.num_keypoints, 4))
        return RegressionOutput(rows[..., :2], rows[..., 2:])

    def loss_by_feat(self, output: RegressionOutput, keypoints: Tensor, weights: Tensor, boxes: Tensor) -> dict:
        """Losses of N positive regions; a keypoint counts that is labelled and in the region, as in Detectron2.

        Args:
            output: Of the network.
            keypoints: (N, K, 2) px of the person whom the region was assigned to.
            weights: (N, K).
            boxes: (N, 4) xyxy of the regions.
        """
        labels = boxes_to_frame(keypoints, boxes)
        inside = (labels.abs() <= 0.5).all(dim=-1)
        return dict(loss_kpt=self.loss_module(output.coords, output.raw_sigma, labels, weights * inside))

    @torch.no_grad()
    def predict_by_feat(self, output: RegressionOutput, boxes: Tensor) -> KeypointEstimate:
        """Keypoints in px of the boxes' frame with their confidences and σ in px."""
        estimate = read_output(output)
        sigma = None if estimate.sigma is None else estimate.sigma * (boxes[:, 2:] - boxes[:, :2])[:, None]
        return KeypointEstimate(frame_to_boxes(estimate.coords, boxes), estimate.confidence, sigma)
