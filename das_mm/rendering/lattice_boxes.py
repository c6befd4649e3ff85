"""Which points of a regular lattice lie in the boxes about triangles: the candidates of every raster.

Boxes differ in size, so their points are listed one after the other instead of being padded to the largest. No kernels
of our own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class Candidates(NamedTuple):
    """Pairs of a triangle and a lattice point in its box.

    Attributes:
        triangle (n,): Row of the triangle. x (n,), y (n,): Of the point, whole numbers.
    """

    triangle: Tensor
    x: Tensor
    y: Tensor


def candidates(corners: Tensor, usable: Tensor, width: int, height: int, most: int = 1 << 22) -> Iterator[Candidates]:
    """Pairs in pieces of about ``most``, so that memory stays bounded whatever the triangles' sizes.

    Args:
        corners: (T, 3, 2) x and y of the triangles; points of the lattice have whole numbers from 0 on.
        usable: (T,) bool; the others have no candidates and may hold anything.
        width, height: Points along x and y.
    """
    last = corners.new_tensor([width - 1, height - 1])
    corners = torch.where(usable[:, None, None], corners, -1)
    low = torch.minimum(corners.amin(1).ceil().clamp(min=0), last + 1).long()  # (T, 2)
    high = torch.minimum(corners.amax(1).floor().clamp(min=-1), last).long()
    sides = (high - low + 1).clamp(min=0)
    counts = sides.prod(1) * usable
    rows = torch.nonzero(counts).squeeze(1)
    if len(rows) == 0:
        return
    counts, low, columns = counts[rows], low[rows], sides[rows, 0]
    begin = counts.cumsum(0) - counts
    pieces = torch.unique_consecutive(begin // most, return_counts=True)[1].tolist()
    for part in torch.split(torch.arange(len(rows), device=rows.device), pieces):
        number = counts[part]
        owner = torch.repeat_interleave(part, number)
        place = torch.arange(len(owner), device=rows.device) + begin[part[0]] - begin[owner]
        x, y = low[owner, 0] + place % columns[owner], low[owner, 1] + place // columns[owner]
        yield Candidates(rows[owner], x, y)


def edge_functions(corners: Tensor) -> Tensor:
    """Twice the signed areas (n, 3) that the origin spans with the edges opposite to each of the corners (n, 3, 2).

    Both triangles at an edge get numbers of it that are each other's negatives to the last bit.
    """
    (ax, ay), (bx, by), (cx, cy) = (corners[:, k].unbind(-1) for k in range(3))
    return torch.stack([bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx], dim=1)
