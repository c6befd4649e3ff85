"""Up-sampling by iterative deep aggregation (Yu et al., CVPR 2018, as CenterTrack uses it), ended by one width for
all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmpose.utils.typing import OptConfigType
from torch import Tensor, nn

from das_mm.registry import MODELS


class _Step(BaseModule):
    """Brings a coarse map to a fine one's size and width and joins the two."""

    def __init__(self, coarse_channels: int, fine_channels: int, norm_cfg: OptConfigType):
        super().__init__()
        self.project = ConvModule(coarse_channels, fine_channels, 3, padding=1, norm_cfg=norm_cfg)
        self.node = ConvModule(fine_channels, fine_channels, 3, padding=1, norm_cfg=norm_cfg)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        coarse = F.interpolate(self.project(coarse), size=fine.shape[-2:], mode='bilinear', align_corners=False)
        return self.node(coarse + fine)


@MODELS.register_module()
class DLAUp(BaseModule):
    """Aggregates a backbone's maps into its finer ones, again and again, and gives the last state of each.

    From the coarsest pair downwards every map takes up all coarser ones; level l is refined as often as there are
    levels above it. (CenterTrack reads a single map of stride 4; DAS wants one a size of person.)

    Args:
        in_channels: Channels of the backbone's maps, finest first.
        out_channels: Of every map given.
        start_level: Finer maps are left out.
        norm_cfg: Normalisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        start_level: int = 0,
        norm_cfg: OptConfigType = None,
        init_cfg: OptConfigType = None,
    ):
        super().__init__(init_cfg)
        norm_cfg = norm_cfg or dict(type='BN', requires_grad=True)
        self.start_level = start_level
        channels = list(in_channels)[start_level:]
        # round r joins, for every level l from the second coarsest of it down, level l + 1 into l
        self.rounds = nn.ModuleList(
            nn.ModuleList(_Step(channels[level + 1], channels[level], norm_cfg) for level in range(last))
            for last in range(len(channels) - 1, 0, -1)
        )
        self.outputs = nn.ModuleList(ConvModule(one, out_channels, 1, norm_cfg=norm_cfg) for one in channels)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Maps (B, in_channels[l], h, w), finest first, to as many (B, out_channels, h, w) from ``start_level`` on."""
        state = list(maps[self.start_level :])
        finished = []
        for steps in cast('Iterable[nn.ModuleList]', self.rounds):
            finished.append(state[-1])  # nothing coarser is left to be taken up by this one
            for level in range(len(steps) - 1, -1, -1):
                state[level] = steps[level](state[level + 1], state[level])
            state = state[:-1]
        finished.append(state[0])
        return tuple(output(one) for output, one in zip(self.outputs, reversed(finished)))
