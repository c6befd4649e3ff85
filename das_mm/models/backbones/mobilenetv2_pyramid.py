"""MobileNetV2 with the pyramid of MoveNet MultiPose, whose weights (Apache-2.0, COCO and more) know people already.

Sandler et al., CVPR 2018, with 1.5 times the channels, and a top-down pyramid of separable convolutions that ends at
stride 4, from which MoveNet's heads read everything. Its batch norms are folded into the convolutions, so there is no
statistic to freeze. Strided convolutions are padded right and below, as TensorFlow's 'SAME' does at even sizes.

``das-mm convert-checkpoint`` makes the weights for this from MoveNet's TensorFlow.js files.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from das_mm.registry import MODELS

# (channels, blocks, stride of the first) of the seven stages; a block widens by six, that of the first stage not
_STAGES = ((24, 1, 1), (40, 2, 2), (48, 3, 2), (96, 4, 2), (144, 3, 1), (240, 3, 2), (480, 1, 1))
_STEM_CHANNELS, _TOP_CHANNELS = 48, 1280
# blocks whose output is that of their stride's last but for the widest: strides 4, 8, 16 (twice), 32
_BLOCKS_BEFORE = dict(c4=3, c8=6, c16=10, late16=13)


class _ConvReLU6(nn.Module):
    """Convolution with bias and ReLU6."""

    def __init__(self, in_channels: int, channels: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, channels, kernel, stride, padding=0 if stride == 2 else kernel // 2, groups=groups
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.conv.stride == (2, 2):
            x = F.pad(x, (0, 1, 0, 1))
        return F.relu6(self.conv(x), inplace=True)


class _InvertedResidual(nn.Module):
    """Widen, convolve each channel, narrow; added to the input where the shapes agree."""

    def __init__(self, in_channels: int, channels: int, stride: int, widen: int):
        super().__init__()
        hidden = in_channels * widen
        self.expand = _ConvReLU6(in_channels, hidden, 1) if widen > 1 else nn.Identity()
        self.depthwise = _ConvReLU6(hidden, hidden, 3, stride, groups=hidden)
        self.project = nn.Conv2d(hidden, channels, 1)
        self.residual = stride == 1 and in_channels == channels

    def forward(self, x: Tensor) -> Tensor:
        out = self.project(self.depthwise(self.expand(x)))
        return x + out if self.residual else out


class _SeparableReLU(nn.Sequential):
    """3x3 of each channel, 1x1 of all, ReLU."""

    def __init__(self, in_channels: int, channels: int):
        super().__init__(
            nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False),
            nn.Conv2d(in_channels, channels, 1),
            nn.ReLU(inplace=True),
        )


@MODELS.register_module()
class MobileNetV2Pyramid(BaseModule):
    """Maps at strides 8, 16 and 32 that hold both what the backbone and what its pyramid knows.

    Each is the backbone's map of that stride beside the pyramid's, and beside the pyramid's finest map (stride 4)
    averaged down to it. An image's size must be a multiple of 32.

    Args:
        frozen_blocks: Blocks (of 17, the stem counts as part of the first) that are not trained.
        init_cfg: As in mmengine: ``Pretrained`` loads what ``das-mm convert-checkpoint`` wrote.

    Attributes:
        out_channels: Channels of the three maps.

    Raises:
        ValueError: ``frozen_blocks`` is not within 0 and 17.
    """

    out_channels = (48 + 24 + 24, 144 + 32 + 24, 480 + 64 + 24)

    def __init__(self, frozen_blocks: int = 0, init_cfg: dict | list[dict] | None = None):
        if not 0 <= frozen_blocks <= 17:
            raise ValueError(f'frozen_blocks must be within 0 and 17, not {frozen_blocks}')
        super().__init__(init_cfg)
        self.stem = _ConvReLU6(3, _STEM_CHANNELS, 3, 2)
        blocks, channels = [], _STEM_CHANNELS
        for stage, (out_channels, count, stride) in enumerate(_STAGES):
            for index in range(count):
                blocks.append(_InvertedResidual(channels, out_channels, stride if index == 0 else 1, 6 if stage else 1))
                channels = out_channels
        self.blocks = nn.ModuleList(blocks)
        self.top = _ConvReLU6(channels, _TOP_CHANNELS, 1)
        # coarsest first, as they are run
        self.laterals = nn.ModuleList(
            nn.Conv2d(i, o, 1) for i, o in ((_TOP_CHANNELS, 64), (96, 64), (48, 32), (40, 24))
        )
        self.merges = nn.ModuleList(_SeparableReLU(i, o) for i, o in ((64, 32), (32, 24), (24, 24)))
        self.frozen_blocks = frozen_blocks
        if frozen_blocks:
            for module in (self.stem, *self.blocks[:frozen_blocks]):
                module.requires_grad_(False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, H, W) to three (B, out_channels, H/s, W/s) for s in 8, 16, 32."""
        # convolutions of single channels take less than half the time so; what follows keeps the order
        x, kept = self.stem(x.contiguous(memory_format=torch.channels_last)), {}
        for number, block in enumerate(self.blocks, start=1):
            x = block(x)
            kept[number] = x
        c4, c8, c16, late16 = (kept[number] for number in _BLOCKS_BEFORE.values())
        p32, p16, p8, p4 = self.pyramid([self.top(x), c16, c8, c4])
        return (
            torch.cat([c8, p8, F.avg_pool2d(p4, 2)], dim=1),
            torch.cat([late16, p16, F.avg_pool2d(p4, 4)], dim=1),
            torch.cat([x, p32, F.avg_pool2d(p4, 8)], dim=1),
        )

    def pyramid(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Top-down maps at strides 32, 16, 8, 4 from the backbone's of these strides."""
        found = [self.laterals[0](maps[0])]
        for merge, lateral, fine in zip(self.merges, self.laterals[1:], maps[1:]):
            up = F.interpolate(found[-1], scale_factor=2, mode='bilinear', align_corners=False)
            found.append(merge(up + lateral(fine)))
        return found
