"""Losses of heat maps and part affinity fields at every scale. Letters as in :mod:`.keypoint_maps`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from das_mm.models.task_modules import PersonLabels

from .keypoint_maps import keypoint_heatmaps, labelled_cells, limb_fields, to_cells
from .limb_skeleton import LimbSkeleton
from .mar_network import MARMaps

# a cell where a target is at least this is known, whatever box it lies in
_TARGET = 0.05


def map_losses(
    maps: MARMaps,
    labels: PersonLabels,
    skeleton: LimbSkeleton,
    strides: Sequence[int],
    sigmas: Sequence[float],
    half_widths: Sequence[float],
) -> tuple[Tensor, Tensor]:
    """Mean squared errors of heat maps and of fields over their known cells, summed over the scales.

    The finest scale counts 1, each of the others 1/4.

    Args:
        maps: Of the network.
        labels: N people of the batch, px of the network input.
        skeleton: Keypoints and limbs.
        strides: Of each scale.
        sigmas: Of the Gaussians at each scale, cells.
        half_widths: Of the strips about limbs at each scale, cells.
    """
    known = labels.keypoints_weights > 0
    ends = torch.as_tensor(skeleton.ends, device=known.device)
    limb_known = known[:, ends[:, 0]] & known[:, ends[:, 1]]
    counted = labels.center_valid.bool()
    heatmap_loss = field_loss = maps.heatmaps[0].new_zeros(())
    for scale, (heatmaps, fields) in enumerate(zip(maps.heatmaps, maps.fields)):
        batch, size = len(heatmaps), (heatmaps.shape[2], heatmaps.shape[3])
        points, boxes = to_cells(labels.keypoints, strides[scale]), to_cells(labels.bboxes, strides[scale])
        with torch.no_grad():
            given = (points, known & counted[:, None], labels.image, batch, size)
            heat_target = keypoint_heatmaps(*given, sigmas[scale])
            field_target = limb_fields(*given, skeleton.limbs, half_widths[scale])
            where = (counted, labels.image, batch, size)
            heat_known = torch.maximum(labelled_cells(boxes, known, *where), (heat_target > _TARGET).float())
            on_limb = (field_target.abs().amax(2) > _TARGET).float()
            field_known = torch.maximum(labelled_cells(boxes, limb_known, *where), on_limb)[:, :, None]
        weight = 1.0 if scale == 0 else 0.25
        error = (heatmaps.float() - heat_target).square() * heat_known
        heatmap_loss = heatmap_loss + weight * error.sum() / heat_known.sum().clamp(min=1)
        error = (fields.float().unflatten(1, (-1, 2)) - field_target).square() * field_known
        field_loss = field_loss + weight * error.sum() / (2 * field_known.sum()).clamp(min=1)
    return heatmap_loss, field_loss
