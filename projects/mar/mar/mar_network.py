"""The network of MAR behind its backbone: four kinds of maps (§3, Fig. 2). Letters: B images, K keypoints, M limbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from mmengine.model import BaseModule
from mmpose.utils.typing import OptMultiConfig
from torch import Tensor, nn
from torch.nn import functional as F

from das_mm.models.heads.towers import OutputBranch, init_normal

from .limb_skeleton import LimbSkeleton


@dataclass(frozen=True)
class MapSettings:
    """Sizes of the heads.

    Attributes:
        in_channels: Of each scale, finest first. HRNet-W32: 32, 64, 128, 256.
        strides: Of each scale. HRNet-W32: 4, 8, 16, 32.
        feat_channels: Between the two convolutions of a head.
        offset_scales: So many scales, brought to the finest, are read by the head of the offsets.
        depth_scales: The same of the head of the root's depth.
        norm_cfg: Of a head.
    """

    in_channels: Sequence[int] = (32, 64, 128, 256)
    strides: Sequence[int] = (4, 8, 16, 32)
    feat_channels: int = 256
    offset_scales: int = 4
    depth_scales: int = 2
    norm_cfg: dict[str, Any] = field(default_factory=lambda: dict(type='BN'))


@dataclass
class MARMaps:
    """What the network says of B images.

    Attributes:
        heatmaps: (B, K, h, w) of each scale, finest first.
        fields: (B, 2 M, h, w) of each scale: x and y of limb 0, of limb 1, …
        offsets (Tensor): (B, 3 (K - 1), h, w) of the finest scale: x, y in strides and z in torso lengths from the root
            to each other keypoint, read at the root.
        depth (Tensor): (B, 3, h, w): regressed depth over focal length times ``depth_scale``, log σ1 of that, and log
            σ2 of the geometric depth in the same unit.
    """

    heatmaps: list[Tensor]
    fields: list[Tensor]
    offsets: Tensor
    depth: Tensor

    def tensors(self) -> tuple[Tensor, ...]:
        """All of them."""
        return (*self.heatmaps, *self.fields, self.offsets, self.depth)

    def finest(self) -> tuple[Tensor, ...]:
        """The four that inference reads."""
        return self.heatmaps[0], self.fields[0], self.offsets, self.depth


class MARNetwork(BaseModule):
    """Each head is 3x3 convolution, normalisation, ReLU, 1x1 convolution (§4.2).

    Heat maps and fields have a head at every scale, all supervised; offsets and depths are of the finest scale.

    Args:
        skeleton: Keypoints and limbs.
        settings: Sizes.
        init_cfg: As in mmengine.
    """

    def __init__(self, skeleton: LimbSkeleton, settings: MapSettings, init_cfg: OptMultiConfig = None):
        super().__init__(init_cfg)
        self.skeleton, self.settings = skeleton, settings

        def branch(in_channels: int, out_channels: int) -> OutputBranch:
            return OutputBranch(in_channels, out_channels, settings.norm_cfg, settings.feat_channels)

        keypoints, limbs = skeleton.num_keypoints, len(skeleton.limbs)
        self.heatmap_branches = nn.ModuleList(branch(channels, keypoints) for channels in settings.in_channels)
        self.field_branches = nn.ModuleList(branch(channels, 2 * limbs) for channels in settings.in_channels)
        self.offset_branch = branch(sum(settings.in_channels[: settings.offset_scales]), 3 * (keypoints - 1))
        self.depth_branch = branch(sum(settings.in_channels[: settings.depth_scales]), 3)

    def init_weights(self) -> None:
        super().init_weights()
        init_normal(self)

    def forward(self, feats: Sequence[Tensor]) -> MARMaps:
        """The maps of L features (B, C, h, w), finest first."""
        size = feats[0].shape[-2:]
        enlarged = [F.interpolate(feat, size, mode='bilinear', align_corners=False) for feat in feats[1:]]
        scales = [feats[0], *enlarged]
        return MARMaps(
            [branch(feat) for branch, feat in zip(self.heatmap_branches, feats)],
            [branch(feat) for branch, feat in zip(self.field_branches, feats)],
            self.offset_branch(torch.cat(scales[: self.settings.offset_scales], dim=1)),
            self.depth_branch(torch.cat(scales[: self.settings.depth_scales], dim=1)),
        )
