"""Deep layer aggregation, DLA-34 (Yu et al., CVPR 2018), the backbone of the tracking model (journal paper §4.2).

Module names are those under which its published weights are stored (``base_layer``, ``level0`` … ``level5``, ``tree1``,
``root`` …), so that these load as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmpose.utils.typing import ConfigType, OptConfigType
from torch import Tensor, nn

from das_mm.registry import MODELS

from .temporal_stems import IMAGE_CHANNELS, TEMPORAL_CHANNELS, TemporalStems, check_temporal


def _conv_norm(in_channels: int, out_channels: int, kernel: int, stride: int, norm_cfg: ConfigType) -> list[nn.Module]:
    convolution = nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, bias=False)
    return [convolution, build_norm_layer(norm_cfg, out_channels)[1]]


class BasicBlock(BaseModule):
    """Two 3x3 convolutions and a residual, which the tree that holds the block may give."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, norm_cfg: ConfigType):
        super().__init__()
        self.conv1, self.bn1 = _conv_norm(in_channels, out_channels, 3, stride, norm_cfg)
        self.conv2, self.bn2 = _conv_norm(out_channels, out_channels, 3, 1, norm_cfg)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + (x if residual is None else residual))


class Root(BaseModule):
    """Aggregation node: a 1x1 convolution over everything that hangs on it."""

    def __init__(self, in_channels: int, out_channels: int, norm_cfg: ConfigType):
        super().__init__()
        self.conv, self.bn = _conv_norm(in_channels, out_channels, 1, 1, norm_cfg)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, *children: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(torch.cat(children, dim=1))))


class Tree(BaseModule):
    """Hierarchical aggregation of ``depth`` levels: two subtrees (or blocks) whose outputs meet in one root.

    Args:
        depth: 1: both children are blocks.
        in_channels, out_channels, stride: Of the whole tree.
        keeps_input: The (pooled) input hangs on the root as well.
        passed_channels: Channels of what trees above hang on this tree's root.
    """

    def __init__(
        self,
        depth: int,
        in_channels: int,
        out_channels: int,
        stride: int,
        norm_cfg: ConfigType,
        keeps_input: bool = False,
        passed_channels: int = 0,
    ):
        super().__init__()
        self.keeps_input = keeps_input
        self.downsample = nn.MaxPool2d(stride, stride=stride) if stride > 1 else None
        passed_channels += in_channels if keeps_input else 0
        if depth == 1:
            self.tree1 = BasicBlock(in_channels, out_channels, stride, norm_cfg)
            self.tree2 = BasicBlock(out_channels, out_channels, 1, norm_cfg)
            self.root = Root(2 * out_channels + passed_channels, out_channels, norm_cfg)
            self.project = None
            if in_channels != out_channels:
                self.project = nn.Sequential(*_conv_norm(in_channels, out_channels, 1, 1, norm_cfg))
        else:
            self.tree1 = Tree(depth - 1, in_channels, out_channels, stride, norm_cfg)
            self.tree2 = Tree(
                depth - 1, out_channels, out_channels, 1, norm_cfg, passed_channels=passed_channels + out_channels
            )
        self.is_leaf = depth == 1

    def forward(self, x: Tensor, passed: Sequence[Tensor] = ()) -> Tensor:
        bottom = x if self.downsample is None else self.downsample(x)
        passed = [*passed, bottom] if self.keeps_input else list(passed)
        if not self.is_leaf:
            first = self.tree1(x)
            return self.tree2(first, [*passed, first])
        first = self.tree1(x, bottom if self.project is None else self.project(bottom))
        second = self.tree2(first)
        return self.root(second, first, *passed)


@MODELS.register_module()
class DLA34(BaseModule):
    """DLA-34: 15 million parameters; gives maps of strides 4, 8, 16 and 32 with 64, 128, 256 and 512 channels.

    Args:
        temporal: Three inputs in place of one (:mod:`.temporal_stems`).
        channels: Of the six levels, at strides 1, 2, 4, 8, 16 and 32. Smaller ones make a smaller network.
        norm_cfg: Normalisation.
    """

    def __init__(
        self,
        temporal: bool = False,
        channels: Sequence[int] = (16, 32, 64, 128, 256, 512),
        norm_cfg: OptConfigType = None,
        init_cfg: OptConfigType = None,
    ):
        super().__init__(
            init_cfg or [dict(type='Kaiming', layer='Conv2d'), dict(type='Constant', layer='_BatchNorm', val=1)]
        )
        norm_cfg = norm_cfg or dict(type='BN', requires_grad=True)
        self.input_channels = TEMPORAL_CHANNELS if temporal else IMAGE_CHANNELS
        self.base_layer = nn.Sequential(*_conv_norm(IMAGE_CHANNELS, channels[0], 7, 1, norm_cfg), nn.ReLU(inplace=True))
        self.temporal_stems = TemporalStems(channels[0], 1, norm_cfg) if temporal else None
        self.level0 = nn.Sequential(*_conv_norm(channels[0], channels[0], 3, 1, norm_cfg), nn.ReLU(inplace=True))
        self.level1 = nn.Sequential(*_conv_norm(channels[0], channels[1], 3, 2, norm_cfg), nn.ReLU(inplace=True))
        self.level2 = Tree(1, channels[1], channels[2], 2, norm_cfg)
        self.level3 = Tree(2, channels[2], channels[3], 2, norm_cfg, keeps_input=True)
        self.level4 = Tree(2, channels[3], channels[4], 2, norm_cfg, keeps_input=True)
        self.level5 = Tree(1, channels[4], channels[5], 2, norm_cfg, keeps_input=True)

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W), or (B, 7, H, W) for tracking, to four maps, finest first."""
        if self.temporal_stems is None:
            x = self.base_layer(inputs)
        else:
            check_temporal(inputs)
            x = self.temporal_stems(self.base_layer(inputs[:, :IMAGE_CHANNELS]), inputs)
        x = self.level1(self.level0(x))
        maps = []
        for level in (self.level2, self.level3, self.level4, self.level5):
            x = level(x)
            maps.append(x)
        return tuple(maps)
