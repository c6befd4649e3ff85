"""Losses at the roots: offsets, relative depths, and the two depths of the root (§3.1 to §3.3).

Letters: B images, N people of the batch, K keypoints, P cells about the roots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmdet.utils import reduce_mean
from mmpose.utils.typing import SampleList
from torch import Tensor
from torch.nn import functional as F

from das_mm.models.task_modules import PersonLabels
from das_mm.structures import focal_px

from .depth_fusion import laplace_loss
from .geometric_depth import geometric_depth
from .keypoint_maps import to_cells
from .limb_skeleton import LimbSkeleton
from .mar_network import MARMaps


@dataclass(frozen=True)
class RootSettings:
    """How roots are learnt.

    Attributes:
        depth_scale: Factor on depth over focal length, to bring it near 1; both σ are of this unit.
        torso_mm: Ω, from root to neck; a constant that nothing learns.
        patch: Cells on either side of the root's that learn too.
        geometry_backward: The geometric loss reaches the offsets; off, its pose is detached (Table 4).
    """

    depth_scale: float = 0.2
    torso_mm: float = 483.7
    patch: int = 1
    geometry_backward: bool = True


@dataclass
class BatchCameras:
    """Cameras of the network inputs.

    Attributes:
        K (Tensor): (B, 3, 3); a unit matrix where nobody knows it.
        dist (Tensor | None): (B, 5); None where no image has a lens.
        known (Tensor): (B,) bool.
    """

    K: Tensor
    dist: Tensor | None
    known: Tensor

    @classmethod
    def of_samples(cls, samples: SampleList, device: torch.device) -> BatchCameras:
        """From the metainfo ``input_K`` and ``input_dist``, which every transform keeps in step with the image."""
        cameras = [sample.metainfo.get('input_K') for sample in samples]
        lenses = [sample.metainfo.get('input_dist') for sample in samples]
        stack = lambda rows, fill: torch.as_tensor(
            np.stack([fill if row is None else row for row in rows]), dtype=torch.float32, device=device
        )
        lens = None if all(one is None or not np.any(one) for one in lenses) else stack(lenses, np.zeros(5))
        known = torch.tensor([one is not None for one in cameras], device=device)
        return cls(stack(cameras, np.eye(3)), lens, known)


def root_losses(
    maps: MARMaps,
    labels: PersonLabels,
    cameras: BatchCameras,
    skeleton: LimbSkeleton,
    stride: int,
    settings: RootSettings,
) -> dict[str, Tensor]:
    """Losses ``offset``, ``relative_depth``, ``regression`` and ``geometry`` without their weights, and shares of the
    people with a depth whom the geometry masks, as ``geometry_<reason>``.

    A person without depth labels (of COCO, or without intrinsics) takes part in ``offset`` alone.
    """
    person, y, x = _cells_about_roots(labels, stride, maps.offsets.shape[-2:], settings.patch)
    image = labels.image[person]
    others = list(skeleton.others)
    offsets = maps.offsets[image, :, y, x].float().unflatten(1, (-1, 3))  # (P, K - 1, 3)
    regressed, log_sigma, log_sigma_geometric = maps.depth[image, :, y, x].float().unbind(1)

    target_xy = (labels.keypoints[person][:, others] - labels.root_px[person][:, None]) / stride
    known = labels.keypoints_weights[person][:, others] > 0
    depth_known = (labels.relative_depths_weights[person][:, others] > 0) & known
    target_z = labels.relative_depths_mm[person][:, others] / settings.torso_mm
    xy_error = F.smooth_l1_loss(offsets[..., :2], _where(known[..., None], target_xy), reduction='none').sum(-1)
    z_error = F.smooth_l1_loss(offsets[..., 2], _where(depth_known, target_z), reduction='none')

    with_depth = labels.root_depths_weights[person] > 0
    target = _where(with_depth, labels.root_depths_norm[person]) * settings.depth_scale
    losses = dict(
        offset=_mean(xy_error, known),
        relative_depth=_mean(z_error, depth_known),
        regression=_mean(laplace_loss(regressed, log_sigma, target), with_depth),
    )

    neck = others.index(skeleton.neck)
    pose = offsets[:, neck] if settings.geometry_backward else offsets[:, neck].detach()
    root_px = labels.root_px[person]
    K = cameras.K[image]
    geometry = geometric_depth(
        root_px,
        root_px + pose[:, :2] * stride,
        pose[:, 2] * settings.torso_mm,
        K,
        settings.torso_mm,
        None if cameras.dist is None else cameras.dist[image],
    )
    eligible = with_depth & cameras.known[image] & known[:, neck]
    geometric = geometry.depth_mm / focal_px(K) * settings.depth_scale
    counted = eligible & geometry.valid
    losses['geometry'] = _mean(laplace_loss(geometric, log_sigma_geometric, target), counted)
    total = eligible.sum().clamp(min=1)
    for reason in ('singular', 'rootless', 'two_roots', 'out_of_range'):
        losses[f'geometry_{reason}'] = (getattr(geometry, reason) & eligible).sum() / total
    # every head takes part in every step, also without people
    losses['offset'] = losses['offset'] + 0 * (maps.offsets.sum() + maps.depth.sum())
    return losses


def _cells_about_roots(
    labels: PersonLabels, stride: int, size: Sequence[int], patch: int
) -> tuple[Tensor, Tensor, Tensor]:
    """(P,) people and the rows and columns of cells about the roots of those who are learnt."""
    rows = torch.nonzero(labels.center_valid.bool()).squeeze(1)
    cells = to_cells(labels.root_px[rows], stride).round().long()
    steps = torch.arange(-patch, patch + 1, device=rows.device)
    shift = torch.cartesian_prod(steps, steps)  # (s, 2)
    x, y = (cells[:, None, axis] + shift[:, axis] for axis in (0, 1))
    inside = (x >= 0) & (x < size[1]) & (y >= 0) & (y < size[0])
    return rows[:, None].expand_as(x)[inside], y[inside], x[inside]


def _where(known: Tensor, values: Tensor) -> Tensor:
    """0 for what is not known: labels there may hold anything, NaN too, and 0 · NaN is NaN."""
    return torch.where(known, values, torch.zeros_like(values))


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    """Mean over what is counted on all ranks; exactly 0, and without gradient, where nothing is."""
    number = reduce_mean(counted.sum().float()).clamp(min=1)
    return _where(counted, values).sum() / number
