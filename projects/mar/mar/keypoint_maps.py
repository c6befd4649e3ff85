"""Target maps: heat maps of keypoints, part affinity fields of limbs, and where neither is known.

Places are in cells of a map: cell i is at i, and a pixel x of the network input at (x + 0.5) / stride - 0.5. Letters: B
images, N people of the whole batch, K keypoints, M limbs, h, w of a map.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def to_cells(points_px: Tensor, stride: float) -> Tensor:
    """Pixels (*) of the network input to cells of a map."""
    return (points_px + 0.5) / stride - 0.5


def keypoint_heatmaps(
    points: Tensor, known: Tensor, image: Tensor, batch: int, size: tuple[int, int], sigma: float
) -> Tensor:
    """(B, K, h, w): the greatest of the Gaussians about the keypoints of a kind, 1 at a keypoint.

    Args:
        points: (N, K, 2) cells.
        known: (N, K) bool.
        image: (N,) which image a person is in.
        batch: B.
        size: (h, w).
        sigma: Of a Gaussian, cells.
    """
    xs, ys = (torch.arange(side, device=points.device, dtype=points.dtype) for side in (size[1], size[0]))
    places = torch.where(known[..., None], points, torch.full_like(points, -1e4))
    along_x = torch.exp(-(xs - places[..., :1]).square() / (2 * sigma**2))  # (N, K, w)
    along_y = torch.exp(-(ys - places[..., 1:]).square() / (2 * sigma**2))
    maps = points.new_zeros(batch, points.shape[1], *size)
    bumps = along_y[..., :, None] * along_x[..., None, :]
    return maps.scatter_reduce_(0, image[:, None, None, None].expand_as(bumps), bumps, 'amax')


def limb_fields(
    points: Tensor,
    known: Tensor,
    image: Tensor,
    batch: int,
    size: tuple[int, int],
    limbs: Sequence[tuple[int, int]],
    half_width: float,
) -> Tensor:
    """(B, M, 2, h, w): unit vectors along the limbs in strips about them, averaged where people's limbs overlap.

    Limbs shorter than a cell have no direction and are left out.

    Args:
        points, known, image, batch, size: As of :func:`keypoint_heatmaps`.
        limbs: M pairs of keypoints.
        half_width: Of a strip, cells; it reaches as far beyond the ends.
    """
    grid = torch.stack(
        torch.meshgrid(*(torch.arange(side, device=points.device, dtype=points.dtype) for side in size), indexing='ij')
    ).flip(0)  # (2, h, w): x, y
    fields = points.new_zeros(batch, len(limbs), 2, *size)
    for limb, (start, end) in enumerate(limbs):  # a limb at a time, or a crowd would fill the memory
        vectors = points[:, end] - points[:, start]
        lengths = vectors.norm(dim=-1)
        rows = torch.nonzero(known[:, start] & known[:, end] & (lengths >= 1)).squeeze(1)
        if len(rows) == 0:
            continue
        units = vectors[rows] / lengths[rows, None]  # (n, 2)
        away = grid - points[rows, start, :, None, None]  # (n, 2, h, w)
        along = (away * units[:, :, None, None]).sum(1)
        across = away[:, 0] * units[:, 1, None, None] - away[:, 1] * units[:, 0, None, None]
        beyond = (along < -half_width) | (along > lengths[rows, None, None] + half_width)
        strip = (across.abs() <= half_width) & ~beyond
        strip = strip.to(points.dtype)[:, None]
        total = points.new_zeros(batch, 2, *size).index_add_(0, image[rows], strip * units[:, :, None, None])
        count = points.new_zeros(batch, 1, *size).index_add_(0, image[rows], strip)
        fields[:, limb] = total / count.clamp(min=1)
    return fields


def labelled_cells(
    boxes: Tensor, known: Tensor, counted: Tensor, image: Tensor, batch: int, size: tuple[int, int]
) -> Tensor:
    """(B, K, h, w) 0/1: cells whose targets are known, keypoint by keypoint.

    Unknown is a keypoint in the box of someone of whom it is not labelled, everything in the box of someone to ignore,
    and in the whole image a kind of keypoint that nobody counted there has a label of (photographs have no head top).

    Args:
        boxes: (N, 4) cells, xyxy.
        known: (N, K) bool; with M columns for limbs.
        counted: (N,) bool: not to be ignored.
        image, batch, size: As of :func:`keypoint_heatmaps`.
    """
    xs, ys = (torch.arange(side, device=boxes.device, dtype=boxes.dtype) for side in (size[1], size[0]))
    left, top, right, bottom = boxes[:, :, None].unbind(1)  # (N, 1)
    in_x, in_y = (xs >= left - 0.5) & (xs <= right + 0.5), (ys >= top - 0.5) & (ys <= bottom + 0.5)
    inside = (in_y[:, :, None] & in_x[:, None, :])[:, None]  # (N, 1, h, w)
    known = known & counted[:, None]
    unknown = (inside & ~known[:, :, None, None]).to(boxes.dtype)
    rows = image[:, None, None, None].expand_as(unknown)
    masked = boxes.new_zeros(batch, known.shape[1], *size).scatter_reduce_(0, rows, unknown, 'amax')
    seen = boxes.new_zeros(batch, known.shape[1]).index_add_(0, image, known.to(boxes.dtype))
    people = boxes.new_zeros(batch).index_add_(0, image, counted.to(boxes.dtype))
    absent = (people[:, None] > 0) & (seen == 0)
    return (1 - masked) * (~absent)[:, :, None, None]
