"""The convolutional parts that all of DAS's branches are made of.

Letters: B images, C channels, P points.
"""

from __future__ import annotations

import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmpose.utils.typing import ConfigType, OptConfigType
from torch import Tensor, nn

from das_mm.models.layers import ModulatedDeformConv2d, PointIndex
from das_mm.registry import MODELS


def gather_points(maps: Tensor, points: PointIndex) -> Tensor:
    """(P, C) values of (B, C, h, w) maps at P points."""
    return maps[points.batch, :, points.y, points.x]


@MODELS.register_module(name='DASTower')
class Tower(BaseModule):
    """Stacked 3x3 convolutions with normalisation and ReLU, the same weights on every pyramid level.

    Args:
        in_channels: Channels of the pyramid.
        feat_channels: Channels of every convolution.
        num_convs: How many.
        norm_cfg: Normalisation. Group normalisation is what the papers use.
        last_conv_cfg: Convolution type of the last layer, e.g. ``dict(type='das_mm.ModulatedDeformConv2d')``.
    """

    def __init__(
        self,
        in_channels: int,
        feat_channels: int,
        num_convs: int,
        norm_cfg: ConfigType,
        last_conv_cfg: OptConfigType = None,
    ):
        super().__init__()
        if last_conv_cfg is not None and isinstance(last_conv_cfg['type'], str):
            # found by our registry, whatever the default scope is; mmcv takes the class itself
            last_conv_cfg = {**last_conv_cfg, 'type': MODELS.get(last_conv_cfg['type'])}
        layers = []
        for index in range(num_convs):
            layers.append(
                ConvModule(
                    in_channels if index == 0 else feat_channels,
                    feat_channels,
                    3,
                    padding=1,
                    bias=True,
                    conv_cfg=last_conv_cfg if index == num_convs - 1 else None,
                    norm_cfg=norm_cfg,
                )
            )
        self.convs = nn.Sequential(*layers)

    def forward(self, feat: Tensor) -> Tensor:
        """(B, C, h, w) to (B, feat_channels, h, w)."""
        return self.convs(feat)


class OutputBranch(BaseModule):
    """3x3 conv-norm-ReLU and a 1x1 convolution that speaks.

    The 1x1 convolution can be asked for the whole map or for points only; the normalised feature before it needs the
    whole map in both cases, because group normalisation takes its statistics there.
    """

    def __init__(self, in_channels: int, out_channels: int, norm_cfg: ConfigType, feat_channels: int | None = None):
        super().__init__()
        feat_channels = feat_channels or in_channels
        self.prev = ConvModule(in_channels, feat_channels, 3, padding=1, bias=True, norm_cfg=norm_cfg)
        self.out = nn.Conv2d(feat_channels, out_channels, 1)

    def forward(self, feat: Tensor) -> Tensor:
        """(B, out_channels, h, w)."""
        return self.out(self.prev(feat))

    def at_points(self, feat: Tensor, points: PointIndex) -> Tensor:
        """(P, out_channels), the same numbers as ``forward`` has at the points."""
        picked = gather_points(self.prev(feat), points)
        return F.linear(picked, self.out.weight.flatten(1), self.out.bias)


def init_normal(module: nn.Module, std: float = 0.01) -> None:
    """Normal weights and zero biases for every plain convolution of ``module``; deformable ones as they begin."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.normal_(part.weight, std=std)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    for part in module.modules():
        if isinstance(part, ModulatedDeformConv2d):
            part.init_weights()  # its inner convolution, the offsets, must start at zero
