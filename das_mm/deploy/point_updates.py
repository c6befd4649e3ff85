"""The recursive update at points, in operations that a graph can hold.

``RecursiveUpdate.sparse`` decides while it runs what it computes; a graph cannot. Here layers before the last are
evaluated everywhere, their dense form, and the last one at the points alone: same numbers to float rounding. 1x1
convolutions of the last layer run on the whole map, a tenth of what its deformable convolution costs.

P points, Q = P*K values (all keypoints of every point), D coordinates; numbers as in :class:`.MapFrame`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from das_mm.models.layers import MultiSourceUpdate, PlainUpdate, PointIndex, RecursiveUpdate
from das_mm.models.layers.map_sampling import Corners, MapFrame, find_corners, full_precision


def offsets_at_points(update: RecursiveUpdate, feat: Tensor, offsets: Tensor, points: PointIndex) -> Tensor:
    """Offsets (P, K, D) after the last layer: ``update.sparse(...)[-1]``, or the given ones where there is no layer.

    Args:
        update: Any form of the update; what is neither plain nor multi-source is evaluated everywhere.
        feat: (B, C, H, W) pose feature.
        offsets: (B, K*D, H, W) initial offsets.
        points: P pixels.
    """
    batch, _, height, width = offsets.shape
    frame = MapFrame(batch, update.num_keypoints, height, width)
    current, last = full_precision(offsets), None
    for step in update.steps(feat, frame):
        if last is not None:
            current = last.dense(current)
        last = step
    places = _Places(frame, points)
    if last is None:
        values = places.read(current)
    elif isinstance(update, PlainUpdate):
        values = _plain(current, places)
    elif isinstance(update, MultiSourceUpdate):
        values = _multi_source(last.network, last.feat, current, places)
    else:
        values = places.read(last.dense(current))
    return values.view(-1, update.num_keypoints, update.dims)


class _Places:
    """Where the Q values are, and how maps are read from there."""

    def __init__(self, frame: MapFrame, points: PointIndex):
        self.frame = frame
        keypoint = torch.arange(frame.keypoints, device=points.x.device)
        plane = points.batch[:, None] * frame.keypoints + keypoint
        self.first = (plane * frame.area).flatten()  # (Q,) number of the value at the first pixel of the same plane
        self.inside = (points.y * frame.width + points.x)[:, None].expand_as(plane).flatten()
        xy = torch.stack((points.x, points.y), dim=-1)
        self.xy = xy[:, None].expand(-1, frame.keypoints, -1).flatten(0, 1)  # (Q, 2)

    def read(self, maps: Tensor) -> Tensor:
        """(Q, C) of keypoint-major maps (B, K*C, H, W) at the places themselves."""
        return self.frame.to_values(maps)[self.first + self.inside]

    def read_around(self, maps: Tensor, xy: Tensor) -> Tensor:
        """(*, C) of keypoint-major maps (B, K*C, H, W), bilinear at positions (*, 2) whose first dimension is Q."""
        corners = find_corners(xy, self.frame.height, self.frame.width)
        return _blend(self.frame.to_values(maps), corners, self.first)


def _blend(values: Tensor, corners: Corners, first: Tensor) -> Tensor:
    """(*, C): corners (*, 4) of ``values`` (N, C); those outside are zero, whatever stands in for them."""
    read = torch.where(corners.inside[..., None], values[corners.numbers(first, 0)], 0.0)
    return (read * corners.weight[..., None]).sum(dim=-2)


def _plain(offsets: Tensor, places: _Places) -> Tensor:
    """The last layer of :class:`PlainUpdate`: (B, K*D, H, W) to (Q, D)."""
    here = places.read(offsets)
    return here + places.read_around(offsets, places.xy + here[:, :2])


def _multi_source(net: nn.Module, feat: Tensor, offsets: Tensor, places: _Places) -> Tensor:
    """The last layer of :class:`MultiSourceUpdate` (see there): (B, K*D, H, W) to (Q, D)."""
    weight, value, confidence, step = (
        F.conv2d(feat, conv.weight.to(feat), conv.bias.to(feat))
        for conv in (net.update_weight, net.update_offset_value, net.sampling_conf, net.sampling_offset)
    )
    gated = net.blend(offsets, weight, value)
    reach = places.read(gated)[:, :2]
    at_target = places.read_around(step, places.xy + reach).view(-1, net.num_heads, 2)
    at_pixel = places.read(step).view(-1, net.num_heads, 2)
    source = torch.cat((at_target + reach[:, None], at_pixel), dim=1)  # (Q, M, 2): the d_m
    around = places.xy[:, None] + source
    said, confidence = places.read_around(gated, around), places.read_around(confidence, around)  # (Q, M, D)
    answer = said + F.pad(source, (0, net.dims - 2))
    return (answer * confidence.softmax(dim=1)).sum(dim=1)
