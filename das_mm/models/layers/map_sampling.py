"""Bilinear reading of maps at real-valued positions: of whole maps, and of single pixels addressed by number.

Positions are (x, y) in pixels of the map, integer at pixel centres: pixel (row y, column x) is at (x, y), which is
the point (x + 0.5, y + 0.5) of ``grid_sample`` with ``align_corners=False``. Beyond the outermost pixels the map
continues with zeros. A position that is not a finite number lies outside, hence reads zero and passes no gradient on;
nothing of it reaches an index computation.

B images, K keypoints, D values per keypoint, H × W pixels, M positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .point_index import PointIndex


@dataclass(frozen=True)
class MapFrame:
    """Shape of per-keypoint maps (B, K*D, H, W), and the numbering of what can be read from them.

    A *value* is what keypoint k has at one pixel; it has the number ``((b*K + k)*H + y)*W + x``. A *pixel* has the
    number ``(b*H + y)*W + x``.
    """

    batch: int
    keypoints: int
    height: int
    width: int

    @property
    def area(self) -> int:
        return self.height * self.width

    @property
    def num_pixels(self) -> int:
        return self.batch * self.area

    @property
    def num_values(self) -> int:
        return self.num_pixels * self.keypoints

    def number(self, points: PointIndex) -> Tensor:
        """Values of all keypoints at the points: (P,) to (P*K,) long.

        Raises:
            IndexError: If a point lies outside the maps.
        """
        limits = ((points.batch, self.batch), (points.y, self.height), (points.x, self.width))
        if any(bool(((index < 0) | (index >= limit)).any()) for index, limit in limits):
            raise IndexError(f'a point lies outside the maps: {self.batch} images of {self.height}x{self.width} pixels')
        keypoint = torch.arange(self.keypoints, device=points.x.device)
        plane = points.batch[:, None] * self.keypoints + keypoint
        return (plane * self.area + (points.y * self.width + points.x)[:, None]).flatten()

    def to_maps(self, values: Tensor) -> Tensor:
        """All values (B*K*H*W, D) as maps (B, K*D, H, W)."""
        return (
            values.view(self.batch * self.keypoints, self.height, self.width, -1)
            .permute(0, 3, 1, 2)
            .reshape(self.batch, -1, self.height, self.width)
        )

    def to_values(self, maps: Tensor) -> Tensor:
        """The inverse of :meth:`to_maps`."""
        per_keypoint = maps.reshape(self.batch * self.keypoints, -1, self.area)
        return per_keypoint.transpose(1, 2).reshape(self.num_values, -1)

    def locate(self, values: Tensor) -> ValuePlaces:
        """What the value numbers (Q,) stand for."""
        inside, plane = values % self.area, values // self.area
        first_pixel = torch.div(plane, self.keypoints, rounding_mode='floor') * self.area
        xy = torch.stack((inside % self.width, inside // self.width), dim=-1)
        return ValuePlaces(plane % self.keypoints, xy, first_pixel + inside, first_pixel, values - inside)


class ValuePlaces(NamedTuple):
    """Places of Q values in a :class:`MapFrame`.

    Attributes:
        keypoint: (Q,) long.
        xy: (Q, 2) long, column and row.
        pixel: (Q,) long, pixel number.
        first_pixel: (Q,) long, number of the first pixel of the same image.
        first_value: (Q,) long, number of the value of the same image and keypoint at the first pixel.
    """

    keypoint: Tensor
    xy: Tensor
    pixel: Tensor
    first_pixel: Tensor
    first_value: Tensor


class Corners(NamedTuple):
    """The four pixels around each position.

    Attributes:
        index: (*, 4) long, ``y*W + x`` within the map; meaningless where ``inside`` is False.
        inside: (*, 4) bool, whether that pixel belongs to the map.
        weight: (*, 4), bilinear weights.
    """

    index: Tensor
    inside: Tensor
    weight: Tensor

    def numbers(self, first: Tensor, outside: int) -> Tensor:
        """(*, 4) numbers counted from ``first`` (Q,), the leading dimension of ``*``; ``outside`` for no pixel."""
        first = first.reshape(-1, *([1] * (self.index.dim() - 1)))
        return torch.where(self.inside, self.index + first, outside)


def full_precision(tensor: Tensor) -> Tensor:
    """float64 stays, everything else becomes float32: what positions and bilinear weights are computed in."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def _keep_readable(xy: Tensor, height: int, width: int) -> Tensor:
    """Replace positions that can only read zeros, among them inf and nan, by one harmless position outside."""
    size = xy.new_tensor((width, height))
    readable = ((xy > -1) & (xy < size)).all(dim=-1, keepdim=True)  # False where nan
    return torch.where(readable, xy, -2)


def pixel_positions(height: int, width: int, like: Tensor) -> Tensor:
    """(H, W, 2) positions of all pixels, in the type and on the device of ``like``."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    return torch.stack((x, y), dim=-1).to(like)


def read_maps(maps: Tensor, xy: Tensor) -> Tensor:
    """Read each map at M positions per pixel.

    Args:
        maps: (N, C, H, W).
        xy: (N, M, H, W, 2) positions on the map of the same n.

    Returns:
        (N, M, C, H, W).
    """
    (n, c, h, w), m = maps.shape, xy.shape[1]
    xy = _keep_readable(xy, h, w)
    grid = (2 * xy + 1) / xy.new_tensor((w, h)) - 1
    read = F.grid_sample(maps, grid.view(n, m * h, w, 2), mode='bilinear', padding_mode='zeros', align_corners=False)
    return read.view(n, c, m, h, w).transpose(1, 2)


def find_corners(xy: Tensor, height: int, width: int) -> Corners:
    """The pixels that a bilinear reading at positions (*, 2) of an H × W map is made of."""
    xy = _keep_readable(xy, height, width)
    floor = xy.detach().floor()
    right, below = (xy - floor).unbind(dim=-1)
    weight = torch.stack(((1 - right) * (1 - below), right * (1 - below), (1 - right) * below, right * below), dim=-1)
    step = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]], device=xy.device)
    x, y = (floor.long()[..., None, :] + step).unbind(dim=-1)  # (*, 4)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return Corners(y * width + x, inside, weight)
