"""Reading per-keypoint maps at and around points, in operations that a recorded graph can hold.

``RecursiveUpdate.sparse`` decides while it runs what it computes; a graph cannot. There the layers before the last are
evaluated everywhere, and the last one at the points alone, with these readings: the same numbers to float rounding.

Q = P*K values: all keypoints of every one of P points; numbers as in :class:`.MapFrame`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .map_sampling import Corners, MapFrame, find_corners
from .point_index import PointIndex


class PointPlaces:
    """Where the Q values are, and how maps are read from there.

    Args:
        frame: The maps.
        points: P pixels.

    Attributes:
        xy: (Q, 2) long, column and row of every value.
    """

    def __init__(self, frame: MapFrame, points: PointIndex):
        self.frame = frame
        keypoint = torch.arange(frame.keypoints, device=points.x.device)
        plane = points.batch[:, None] * frame.keypoints + keypoint
        self.first = (plane * frame.area).flatten()  # (Q,) number of the value at the first pixel of the same plane
        self.inside = (points.y * frame.width + points.x)[:, None].expand_as(plane).flatten()
        xy = torch.stack((points.x, points.y), dim=-1)
        self.xy = xy[:, None].expand(-1, frame.keypoints, -1).flatten(0, 1)

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
