"""Where on a batch of maps something is wanted."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class PointIndex(NamedTuple):
    """P pixels of a batch of maps (B, C, H, W); repeated pixels are allowed, and so is P = 0.

    The points where a mask (B, H, W) holds are ``PointIndex(*mask.nonzero(as_tuple=True))``; the values of a map there
    are ``map[points.batch, :, points.y, points.x]``, (P, C).

    Attributes:
        batch: (P,) long, index of the image in the batch.
        y: (P,) long, row on the map.
        x: (P,) long, column on the map.
    """

    batch: Tensor
    y: Tensor
    x: Tensor
