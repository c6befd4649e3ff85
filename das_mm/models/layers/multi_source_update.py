"""Multi-source recursive update (DAS journal paper §3.3, Eq. 8), as in the layers of the authors' released code.

    U^local_k[t] ≈ Σ_m P(d_m) (d_m + U_k[t + d_m])

A layer first refines the pose feature and blends the offsets with new ones predicted from it (the gate). Then each
pixel p has 2·heads sources at p + d_m: the first half of the d_m are predicted at the target p + U_k[p] and counted
from there (so U_k[p] is added to them), the other half are predicted at p. What source m says is d_m + U_k[p + d_m];
the answers are averaged with a softmax over the sources of the confidences read at p + d_m, for x, y and z each.
d_m has no depth component.

Multiply-adds of one layer for the published shapes, C = 256 channels, K = 15, D = 3, 4 heads, 80 × 167 pixels, 8.7 G
being what the map costs in one 3×3 convolution:

    deformable 3×3 on the feature     9·C·(C + 27) = 652 k a pixel, 8.7 G a map; whole map, as group norm demands
    four 1×1: steps, gate, values,    C·K·(2·4 + 3·D) = 65 k a pixel, 0.9 G a map
    confidence
    readings: step at the target,     4·2·4 + 8·4·2·D = 224 a value, 45 M a map (but slow ones: 12 M scattered reads)
    8 sources

The 1×1 maps are a tenth of the layer's convolutions and a hundredth of a head's, and could stay dense. Gathered they
are one matrix product over the distinct pixels that are read, for all keypoints together. 20 points of 3 people read
2 % of the pixels, 200 points 12 %, 1000 points 46 %. On one CPU core the product takes 29 ms dense, 2 ms for 2 % of
the pixels, 14 ms for 22 %, 51 ms for all of them: so features are gathered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from das_mm.errors import UserError
from das_mm.registry import MODELS

from .deform_conv import ModulatedDeformConv2d
from .lazy_rows import LazyRows
from .map_sampling import MapFrame, find_corners, full_precision, pixel_positions, read_maps
from .point_places import PointPlaces
from .recursive_update import RecursiveUpdate, UpdateStep, check_num_layers


@MODELS.register_module()
class MultiSourceUpdate(RecursiveUpdate):
    """The update that averages several sources around p and around its target (Eq. 8).

    Parameters are named as in the released checkpoints below ``bbox_head.recursive_update_branch.``.

    Args:
        feat_channels: Channels of the update's own feature, to which ``in_channels`` are reduced first.
        num_heads: Sources predicted at the target, and again as many at the pixel itself.
        num_groups: Groups of the group norms.
        num_layers: 1 (Panoptic) to 3 (MuCo: 2); each has weights of its own.
        num_keypoints, in_channels, dims, init_cfg: As in :class:`RecursiveUpdate`.

    Raises:
        UserError: If an argument is out of its range.
    """

    def __init__(
        self,
        num_keypoints: int,
        in_channels: int,
        dims: int = 3,
        num_layers: int = 1,
        feat_channels: int = 256,
        num_heads: int = 4,
        num_groups: int = 32,
        init_cfg: dict | list[dict] | None = None,
    ):
        check_num_layers(num_layers)
        super().__init__(num_keypoints, in_channels, dims, num_layers, init_cfg)
        if num_heads < 1:
            raise UserError(f'at least one source is needed, got {num_heads!r}', field='num_heads', remedy='use 4')
        if feat_channels % num_groups or feat_channels < 2 * num_groups:
            # a group of one channel has no statistics on a map of one pixel
            raise UserError(
                f'{feat_channels} channels do not divide into {num_groups} groups of two or more',
                field='feat_channels',
                remedy='choose a multiple of num_groups, at least twice as much',
            )
        norm_cfg = dict(type='GN', num_groups=num_groups)
        self.reduction = ConvModule(in_channels, feat_channels, 1, norm_cfg=norm_cfg)
        self.layers = [f'layer_{i}' for i in range(num_layers)]
        for name in self.layers:
            self.add_module(name, UpdateLayer(NextLevelOffset(num_keypoints, feat_channels, dims, num_heads, norm_cfg)))

    def steps(self, feat: Tensor, frame: MapFrame) -> Iterator[UpdateStep]:
        feat = self.reduction(feat)
        for name in self.layers:
            network = getattr(self, name).next_level_offset
            feat = feat + network.update_feat_conv(feat)
            yield _MultiSourceStep(frame, network, full_precision(feat))


class UpdateLayer(BaseModule):
    """Holds one layer's network under the name that it has in released checkpoints."""

    def __init__(self, next_level_offset: NextLevelOffset):
        super().__init__()
        self.next_level_offset = next_level_offset


class NextLevelOffset(nn.Module):
    """The network of one layer: a feature residual and four 1×1 convolutions, whose channels are keypoint-major.

    Attributes:
        update_feat_conv: Deformable 3×3, group norm, ReLU: the residual (C to C).
        sampling_offset: C to K*heads*2: the d_m, (x, y) minor, in pixels of the map.
        sampling_conf: C to K*D: logits of the sources' probabilities.
        update_weight: C to K*D: logits of the gate w in U ← (1−w)·U + w·V.
        update_offset_value: C to K*D: V.
    """

    def __init__(self, num_keypoints: int, channels: int, dims: int, num_heads: int, norm_cfg: dict):
        super().__init__()
        self.num_keypoints, self.dims, self.num_heads = num_keypoints, dims, num_heads
        self.update_feat_conv = ConvModule(
            channels, channels, 3, padding=1, norm_cfg=norm_cfg, conv_cfg=dict(type=ModulatedDeformConv2d)
        )
        self.sampling_offset = nn.Conv2d(channels, num_keypoints * num_heads * 2, 1)
        self.sampling_conf = nn.Conv2d(channels, num_keypoints * dims, 1)
        self.update_weight = nn.Conv2d(channels, num_keypoints * dims, 1)
        self.update_offset_value = nn.Conv2d(channels, num_keypoints * dims, 1)
        self.init_weights()

    def init_weights(self) -> None:
        """Also restores the zero offsets of the deformable convolution if an outer ``init_cfg`` changed them."""
        cast('ModulatedDeformConv2d', self.update_feat_conv.conv).init_weights()
        self.update_feat_conv.init_weights()  # the norm
        for conv in (self.sampling_offset, self.sampling_conf, self.update_weight, self.update_offset_value):
            nn.init.normal_(conv.weight, std=0.01)
            nn.init.zeros_(_bias_of(conv))

    def blend(self, offsets: Tensor, weight: Tensor, value: Tensor) -> Tensor:
        """The gate: offsets moved towards ``value`` by a share of sigmoid(``weight``); all of one shape."""
        return torch.lerp(offsets, value, weight.sigmoid())


class _MultiSourceStep(UpdateStep):
    """One layer on one batch of maps.

    Args:
        feat: (B, C, H, W), the layer's refined feature in full precision.
    """

    def __init__(self, frame: MapFrame, network: NextLevelOffset, feat: Tensor):
        super().__init__(frame)
        self.network, self.feat = network, feat

    def dense(self, offsets: Tensor) -> Tensor:
        frame, net = self.frame, self.network
        h, w, dims, heads = frame.height, frame.width, net.dims, net.num_heads
        # contiguous: maps in channels-last memory cannot be seen as maps of single keypoints
        weight, value, confidence, step = (maps.contiguous() for maps in self._network_maps())
        gated = net.blend(offsets.contiguous(), weight, value).view(-1, dims, h, w)  # (B*K, D, H, W)
        pixel = pixel_positions(h, w, gated)  # (H, W, 2)

        reach = gated[:, :2].permute(0, 2, 3, 1)  # (B*K, H, W, 2): from p to its target
        step = step.view(-1, heads * 2, h, w)
        at_target = read_maps(step, (pixel + reach)[:, None]).view(-1, heads, 2, h, w).permute(0, 1, 3, 4, 2)
        at_pixel = step.view(-1, heads, 2, h, w).permute(0, 1, 3, 4, 2)
        source = torch.cat((at_target + reach[:, None], at_pixel), dim=1)  # (B*K, M, H, W, 2): the d_m

        local = torch.cat((gated, confidence.view(-1, dims, h, w)), dim=1)
        said, confidence = read_maps(local, pixel + source).chunk(2, dim=2)  # (B*K, M, D, H, W)
        answer = said + F.pad(source, (0, dims - 2)).permute(0, 1, 4, 2, 3)
        return (answer * confidence.softmax(dim=1)).sum(dim=1).view_as(offsets)

    def updater(self, offsets: LazyRows) -> Callable[[Tensor], Tensor]:
        frame, net = self.frame, self.network
        steps = self._network_rows(net.sampling_offset)
        gates = self._network_rows(net.update_weight, net.update_offset_value, net.sampling_conf)
        size = (frame.height, frame.width)

        def compute_local(rows: Tensor) -> Tensor:
            """(Q,) value numbers to (Q, 2D): gated offset, confidence."""
            place = frame.locate(rows)
            gate = gates(place.pixel, place.keypoint, frame.keypoints)
            weight, value, confidence = gate.chunk(3, dim=-1)
            return torch.cat((net.blend(offsets(rows), weight, value), confidence), dim=-1)

        local = LazyRows(frame.num_values, compute_local, offsets.device)

        def update(rows: Tensor) -> Tensor:
            place = frame.locate(rows)
            reach = local(rows)[:, :2]

            def step_around(xy: Tensor) -> Tensor:
                corners = find_corners(xy, *size)
                pixels = corners.numbers(place.first_pixel, frame.num_pixels)  # (Q, 4)
                return steps.blend(pixels, corners.weight, place.keypoint[:, None], frame.keypoints)

            def local_around(xy: Tensor) -> tuple[Tensor, Tensor]:
                corners = find_corners(xy, *size)
                read = local.blend(corners.numbers(place.first_value, frame.num_values), corners.weight)
                said, confidence = read.chunk(2, dim=-1)
                return said, confidence

            step_here = lambda: steps(place.pixel, place.keypoint, frame.keypoints)
            return self._answer(place.xy, reach, step_around, step_here, local_around)

        return update

    def at_places(self, offsets: Tensor, places: PointPlaces) -> Tensor:
        weight, value, confidence, step = self._network_maps()
        gated = self.network.blend(offsets, weight, value)
        return self._answer(
            places.xy,
            places.read(gated)[:, :2],
            lambda xy: places.read_around(step, xy),
            lambda: places.read(step),
            lambda xy: (places.read_around(gated, xy), places.read_around(confidence, xy)),
        )

    def _answer(
        self,
        xy: Tensor,
        reach: Tensor,
        step_around: Callable[[Tensor], Tensor],
        step_here: Callable[[], Tensor],
        local_around: Callable[[Tensor], tuple[Tensor, Tensor]],
    ) -> Tensor:
        """What the sources of Q values say on average, (Q, D): Eq. 8 of single values.

        Args:
            xy: (Q, 2) their pixels.
            reach: (Q, 2) from the pixel to its target.
            step_around: Predicted steps (Q, heads*2), bilinear at positions (Q, 2).
            step_here: The same at the pixels.
            local_around: Gated offsets and confidences, (Q, M, D) each, bilinear at positions (Q, M, 2).
        """
        heads = self.network.num_heads
        at_target = step_around(xy + reach).view(-1, heads, 2)
        at_pixel = step_here().view(-1, heads, 2)
        source = torch.cat((at_target + reach[:, None], at_pixel), dim=1)  # (Q, M, 2): the d_m
        said, confidence = local_around(xy[:, None] + source)
        answer = said + F.pad(source, (0, self.network.dims - 2))
        return (answer * confidence.softmax(dim=1)).sum(dim=1)

    def _network_maps(self) -> tuple[Tensor, ...]:
        """Maps of the gate's weight and value, of confidences and of steps."""
        net = self.network
        return tuple(
            F.conv2d(self.feat, conv.weight.to(self.feat), _bias_of(conv).to(self.feat))
            for conv in (net.update_weight, net.update_offset_value, net.sampling_conf, net.sampling_offset)
        )

    def _network_rows(self, *convs: nn.Conv2d) -> LazyRows:
        """1×1 convolutions at the pixels that are read; of a row, part k is keypoint k's channels of all ``convs``."""
        frame, feat = self.frame, self.feat
        flat = feat.flatten(2)  # (B, C, H*W)
        by_keypoint = (frame.keypoints, -1)
        weight = torch.cat([conv.weight.view(*by_keypoint, feat.shape[1]) for conv in convs], dim=1).flatten(0, 1)
        bias = torch.cat([_bias_of(conv).view(by_keypoint) for conv in convs], dim=1).flatten()

        def compute(rows: Tensor) -> Tensor:
            gathered = flat[rows // frame.area, :, rows % frame.area]  # (n, C)
            return F.linear(gathered, weight.to(feat), bias.to(feat))

        return LazyRows(frame.num_pixels, compute, feat.device)


def _bias_of(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None  # all of this file are made with one
    return conv.bias
