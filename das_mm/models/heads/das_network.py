"""The network of the DAS head: three towers that all levels share, what speaks on them, and its formula at points.

Letters: B images, L levels, h and w of a level, K keypoints, D coordinates (3, or 2 without depth), P points of one or
of all levels. Offsets are joint-major, (x, y[, z]) minor; x and y in strides of the level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import torch
from mmengine.model import BaseModule, ModuleDict, bias_init_with_prob
from mmpose.utils.typing import ConfigType, OptConfigType
from torch import Tensor, nn

from das_mm.models.layers import PointIndex
from das_mm.models.layers.map_sampling import full_precision
from das_mm.models.losses import positive_scale
from das_mm.registry import MODELS

from .branches.task_branch import BaseTaskBranch, build_branches
from .point_outputs import DenseMaps, PointOutputs
from .towers import OutputBranch, Tower, gather_points, init_normal

# pose feature (B, C, h, w), first offsets (B, K*D, h, w) and P points to offsets (P, K, D): first, updated, …
OffsetsAt = Callable[[Tensor, Tensor, PointIndex], list[Tensor]]


@dataclass
class TowerSettings:
    """Sizes of the towers and of what stands on them.

    Attributes:
        in_channels: Channels of the pyramid.
        feat_channels: Channels of the towers.
        stacked_convs: Convolutions of a tower.
        centerness_channels: Channels before the centerness output.
        last_conv_cfg: Convolution of each tower's last layer (DCNv2 in the released code).
        norm_cfg: Normalisation of towers and outputs.
        sigma_limit: Greatest σ, in strides and units of the relative depth: the papers' sigmoid ends at 1, which at the
            fine level of a small model is less than many errors, and then σ tells nothing.
    """

    in_channels: int = 256
    feat_channels: int = 256
    stacked_convs: int = 2
    centerness_channels: int = 64
    last_conv_cfg: OptConfigType = None
    norm_cfg: ConfigType = field(default_factory=lambda: dict(type='GN', num_groups=32))
    sigma_limit: float = 1.0


class LevelScales(NamedTuple):
    """How a level speaks.

    Attributes:
        factors: (4,) on root offset, root depth, keypoint xy and keypoint z.
        stride: Pixels between its points; a number, or a tensor () in a graph that all levels share.
    """

    factors: Tensor
    stride: int | Tensor

    def root(self, offset: Tensor, depth: Tensor) -> Tensor:
        """Raw offset (*, 2, …) and depth (*, 1, …), channels in dimension 1, to the root (*, 3, …)."""
        return torch.cat([full_precision(offset) * self.factors[0], full_precision(depth) * self.factors[1]], dim=1)

    def offsets(self, raw: Tensor, dims: int) -> Tensor:
        """Raw maps (B, K*D, h, w) to offsets."""
        factors = torch.cat([self.factors[2:3], self.factors[2:3], self.factors[3:4]])[:dims]
        return full_precision(raw) * factors.repeat(raw.shape[1] // dims)[:, None, None]

    def points_px(self, points: PointIndex) -> Tensor:
        """(P, 2) px of the network input."""
        return (torch.stack([points.x, points.y], dim=1) * self.stride + (self.stride - 1) / 2).float()


class DASNetwork(BaseModule):
    """Three towers shared over the levels; everything can be had everywhere, or at points alone.

    Args:
        num_keypoints: K.
        dims: D: 3, or 2 for a model without depth in its keypoints.
        strides: L pixels between the points of each level.
        towers: Sizes.
        update: Recursive update layers (``NoUpdate``, ``PlainUpdate``, ``MultiSourceUpdate``).
        branches: Plug-in task branches by name (:class:`BaseTaskBranch`).
        init_cfg: As in mmengine.
    """

    def __init__(
        self,
        num_keypoints: int,
        dims: int,
        strides: Sequence[int],
        towers: TowerSettings,
        update: OptConfigType = None,
        branches: dict[str, ConfigType] | None = None,
        init_cfg: OptConfigType = None,
    ):
        super().__init__(init_cfg)
        self.num_keypoints, self.dims, self.strides = num_keypoints, dims, tuple(strides)
        channels, norm_cfg = towers.feat_channels, towers.norm_cfg
        self.cls_tower, self.reg_tower, self.pose_tower = (
            Tower(towers.in_channels, channels, towers.stacked_convs, norm_cfg, towers.last_conv_cfg) for _ in range(3)
        )
        self.cls_branch = OutputBranch(channels, 1, norm_cfg)
        self.centerness_branch = OutputBranch(channels, 1, norm_cfg, towers.centerness_channels)
        self.offset_branch = OutputBranch(channels, 2, norm_cfg)
        self.depth_branch = OutputBranch(channels, 1, norm_cfg)
        self.pose_branch = OutputBranch(channels, num_keypoints * dims, norm_cfg)
        # a learnt scalar a level on the root offset, root depth, keypoint xy and keypoint z
        self.scales = nn.Parameter(torch.ones(len(self.strides), 4))
        self.update = MODELS.build(
            dict(
                in_channels=channels, num_keypoints=num_keypoints, dims=dims, **(update or dict(type='das_mm.NoUpdate'))
            )
        )
        modules = ModuleDict(build_branches(branches or {}))  # mmengine's: torch's would not initialise them
        self.branches = cast('Mapping[str, BaseTaskBranch]', modules)
        self.uses_sigma, self.sigma_limit = False, towers.sigma_limit

    def add_sigma_branch(self, towers: TowerSettings) -> None:
        """From now on a scale is learnt for every coordinate."""
        self.uses_sigma = True
        self.sigma_branch = OutputBranch(towers.feat_channels, self.num_keypoints * self.dims, towers.norm_cfg)

    def init_weights(self) -> None:
        """Normal(0, 0.01) convolutions and a prior of 0.01 on every point being a person."""
        if self.is_init:  # a second call leaves what was loaded or learnt since alone, as everywhere in mmengine
            return
        super().init_weights()
        for part in (
            self.cls_tower,
            self.reg_tower,
            self.pose_tower,
            self.cls_branch,
            self.centerness_branch,
            self.offset_branch,
            self.depth_branch,
            self.pose_branch,
        ):
            init_normal(part)
        if self.uses_sigma:
            init_normal(self.sigma_branch)
        assert self.cls_branch.out.bias is not None  # of a plain convolution
        nn.init.constant_(self.cls_branch.out.bias, bias_init_with_prob(0.01))

    # ---------------------------------------------------------------- everywhere

    def forward(self, feats: Sequence[Tensor]) -> DenseMaps:
        """Every map of every level, everywhere: the plain reference of what is had at points.

        Args:
            feats: L maps (B, in_channels, h, w).
        """
        maps = DenseMaps([], [], [], [], [], [])
        for index, feat in enumerate(feats):
            level, reg, pose = self.level(index), self.reg_tower(feat), self.pose_tower(feat)
            maps.cls.append(self.cls_branch(self.cls_tower(feat)))
            maps.centerness.append(self.centerness_branch(reg))
            maps.root.append(level.root(self.offset_branch(reg), self.depth_branch(reg)))
            first = level.offsets(self.pose_branch(pose), self.dims)
            maps.pose.append([first, *self.update.dense(pose, first)])
            maps.sigma.append(self.sigma_limit * positive_scale(self.sigma_branch(pose)) if self.uses_sigma else None)
            maps.tasks.append({name: branch(feat) for name, branch in self.branches.items()})
        return maps

    def forward_centers(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Logits (B, h, w) of each level that a point is a person's centre."""
        return [self.cls_branch(self.cls_tower(feat))[:, 0] for feat in feats]

    def level(self, index: int) -> LevelScales:
        """The scales of a level."""
        return LevelScales(self.scales[index], self.strides[index])

    # ---------------------------------------------------------------- at points

    def forward_points(self, feat: Tensor, level: int, points: PointIndex, with_sigma: bool) -> PointOutputs:
        """Everything regressed at P >= 1 points of one level, equal to :meth:`forward` there.

        Only the images that have points go through the towers; group normalisation is per image, so this is exact.
        """
        feat, local = images_with_points(feat, points)
        reg = self.reg_tower(feat)
        centerness = self.centerness_at(reg, local)
        out = self.regress(feat, reg, local, self.level(level), with_sigma)
        out.centerness, out.image = centerness, points.batch
        return out

    def centerness_at(self, reg: Tensor, points: PointIndex) -> Tensor:
        """Logits (P,), float32, from the feature of the regression tower."""
        return self.centerness_branch.at_points(reg, points)[:, 0].float()

    def regress(
        self,
        feat: Tensor,
        reg: Tensor,
        points: PointIndex,
        level: LevelScales,
        with_sigma: bool,
        offsets_at: OffsetsAt | None = None,
    ) -> PointOutputs:
        """What is said at P points of one level; the centerness is left to the caller.

        Args:
            feat: (B, in_channels, h, w).
            reg: (B, C, h, w) what the regression tower makes of it.
            points: P points.
            level: The level's scales.
            with_sigma: Whether scales of the errors are wanted.
            offsets_at: How the offsets are evaluated at the points; by default as :meth:`offsets_at`, sparse.
        """
        pose = self.pose_tower(feat)
        root = level.root(self.offset_branch.at_points(reg, points), self.depth_branch.at_points(reg, points))
        # U is read at joint-dependent places, so it is wanted as a map
        first = level.offsets(self.pose_branch(pose), self.dims)
        steps = self.offsets_at(pose, first, points) if offsets_at is None else offsets_at(pose, first, points)
        sigma = None
        if with_sigma:
            raw = self.sigma_branch.at_points(pose, points).float().view(steps[-1].shape)
            sigma = self.sigma_limit * positive_scale(raw)
        points_px = level.points_px(points)
        return PointOutputs(
            centerness=points_px.new_zeros(0),
            root=root.float(),
            pose=[step.float() for step in steps],
            sigma=sigma,
            points_px=points_px,
            strides=torch.zeros_like(points_px[:, 0]) + level.stride,
            image=points.batch,
            tasks={name: branch.forward_points(feat, points) for name, branch in self.branches.items()},
        )

    def offsets_at(self, pose: Tensor, first: Tensor, points: PointIndex) -> list[Tensor]:
        """(P, K, D) offsets at the points: the given maps', and those after every update, evaluated where needed."""
        at_points = gather_points(first, points).reshape(-1, self.num_keypoints, self.dims)
        return [at_points, *self.update.sparse(pose, first, points)]

    def join(self, outputs: Sequence[PointOutputs], like: Tensor) -> PointOutputs:
        """The points of all levels together; without any, no points that still hang on the graph of ``like``."""
        if outputs:
            return PointOutputs.cat(outputs)
        zero = like.sum().float() * 0
        empty = lambda *shape: zero.expand(0, *shape)
        k, d = self.num_keypoints, self.dims
        return PointOutputs(
            centerness=empty(),
            root=empty(3),
            pose=[empty(k, d) for _ in range(1 + self.update.num_layers)],
            sigma=empty(k, d) if self.uses_sigma else None,
            points_px=empty(2),
            strides=empty(),
            image=torch.zeros(0, dtype=torch.long, device=like.device),
            tasks={name: empty(branch.out_channels) for name, branch in self.branches.items()},
        )


def images_with_points(feat: Tensor, points: PointIndex) -> tuple[Tensor, PointIndex]:
    """The images of a map (B, C, h, w) that have points, and the points' indices within them."""
    images, batch = torch.unique(points.batch, return_inverse=True)
    if len(images) == len(feat):
        return feat, points
    return feat[images], PointIndex(batch, points.y, points.x)
