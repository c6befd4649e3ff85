"""A backbone that is recorded in no time."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from das_mm.registry import MODELS


@MODELS.register_module()
class ToyBackbone(nn.Module):
    """One convolution a stage: maps of 8, 16, 32 and 64 channels at strides 4 to 32."""

    def __init__(self):
        super().__init__()
        channels = (3, 8, 16, 32, 64)
        self.stages = nn.ModuleList(
            nn.Conv2d(*pair, 7, stride=4 if index == 0 else 2, padding=3)
            for index, pair in enumerate(pairwise(channels))
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        maps = []
        for stage in self.stages:
            images = stage(images).relu()
            maps.append(images)
        return tuple(maps)
