"""Which points of which pyramid level learn which person (journal paper §3.2).

Letters: B images, N persons of the whole batch, K keypoints, L levels, P positive points of a level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from das_mm.models.layers import PointIndex
from das_mm.registry import TASK_UTILS


@dataclass
class PersonLabels:
    """The labels of all persons of a batch, concatenated, in pixels of the network input.

    Attributes:
        image (Tensor): (N,) index of the image in the batch.
        fields (dict[str, Tensor]): every field of ``gt_instance_labels`` concatenated to (N, ...); plug-in task
            branches find their own labels here.
    """

    image: Tensor
    fields: dict[str, Tensor]

    def __getattr__(self, name: str) -> Tensor:
        try:
            return self.__dict__['fields'][name]
        except KeyError:
            raise AttributeError(f'the labels have no field "{name}"') from None

    def __len__(self) -> int:
        return len(self.image)

    @classmethod
    def from_instances(cls, batch_labels: Sequence[InstanceData], device: torch.device) -> PersonLabels:
        """Concatenates the labels of the images; a field must stand in every image, also in those without people."""
        counts = torch.tensor([len(labels) for labels in batch_labels], device=device)
        names = batch_labels[0].keys()
        fields = {
            name: torch.cat([getattr(labels, name).to(device, non_blocking=True) for labels in batch_labels])
            for name in names
        }
        image = torch.repeat_interleave(torch.arange(len(batch_labels), device=device), counts)
        return cls(image=image, fields=fields)


@dataclass
class LevelTargets:
    """Targets of one pyramid level.

    Attributes:
        cls (Tensor): (B, h, w), 1 at positive points.
        cls_weight (Tensor): (B, h, w), 0 where an ignored person stands, so that it is not taught to be background.
        points (PointIndex): the P positive points.
        person (Tensor): (P,) row of the person in :class:`PersonLabels`.
        centerness (Tensor): (P,) in (0, 1].
    """

    cls: Tensor
    cls_weight: Tensor
    points: PointIndex
    person: Tensor
    centerness: Tensor


@TASK_UTILS.register_module()
class DASTargetAssigner:
    """Assigns every person to one pyramid level by size, and to the points around the person's centre.

    Args:
        strides: Pixels between the points of each level.
        regress_ranges: For each level the half-open range [low, high) in pixels of the person's size
            ``r_max = max_k |keypoint_k - centre|`` over the supervised keypoints.
        radius: Points within ``radius * stride`` of the centre are positive.
        region: ``'disk'`` (paper: all points within a radius) or ``'square'`` (released code: half-width).
        center_type: ``'root'`` or ``'bbox'`` (the baseline of Table 6, row 1).

    Points of a level lie at ``(i + 0.5) * stride - 0.5`` input pixels (pixel centres are integers).
    """

    def __init__(
        self,
        strides: Sequence[int] = (8, 16, 32, 64),
        regress_ranges: Sequence[tuple[float, float]] = ((0, 80), (80, 160), (160, 320), (320, math.inf)),
        radius: float = 1.5,
        region: str = 'disk',
        center_type: str = 'root',
    ):
        if len(strides) != len(regress_ranges):
            raise ValueError(f'{len(strides)} strides but {len(regress_ranges)} regress_ranges')
        if region not in ('disk', 'square'):
            raise ValueError(f'region must be "disk" or "square", not "{region}"')
        if center_type not in ('root', 'bbox'):
            raise ValueError(f'center_type must be "root" or "bbox", not "{center_type}"')
        self.strides = tuple(strides)
        self.regress_ranges = tuple((float(low), float(high)) for low, high in regress_ranges)
        self.radius = radius
        self.region = region
        self.center_type = center_type

    def centers(self, labels: PersonLabels) -> Tensor:
        """(N, 2) the point that stands for each person, in input pixels."""
        if self.center_type == 'root':
            return labels.root_px
        return (labels.bboxes[:, :2] + labels.bboxes[:, 2:]) / 2

    def person_sizes(self, labels: PersonLabels) -> Tensor:
        """(N,) ``r_max`` in input pixels; 0 for a person of whom only the centre is labelled."""
        distance = (labels.keypoints - self.centers(labels)[:, None]).norm(dim=-1)  # (N, K)
        distance = distance.masked_fill(labels.keypoints_weights <= 0, 0)
        return distance.max(dim=1).values if distance.shape[1] else distance.sum(1)

    @torch.no_grad()
    def assign(
        self, labels: PersonLabels, batch_size: int, level_shapes: Sequence[tuple[int, int]]
    ) -> list[LevelTargets]:
        """Targets for every level.

        Args:
            labels: Persons of the batch. Those with ``center_valid`` false are ignore regions: the points inside
                their boxes are neither positive nor background, on any level.
            batch_size: B.
            level_shapes: (h, w) of each level's map.
        """
        sizes, centers = self.person_sizes(labels), self.centers(labels)
        targets = []
        for stride, (low, high), shape in zip(self.strides, self.regress_ranges, level_shapes):
            chosen = torch.nonzero(labels.center_valid.bool() & (sizes >= low) & (sizes < high)).squeeze(1)
            points, person, distance = self._claim_points(labels.image, centers, chosen, stride, shape)
            weight = self._background_weight(labels, batch_size, stride, shape)
            cls = weight.new_zeros(batch_size, *shape)
            cls[points.batch, points.y, points.x] = 1
            weight[points.batch, points.y, points.x] = 1
            centerness = torch.exp(-2.5 * distance / (math.sqrt(2) * self.radius * stride))
            targets.append(LevelTargets(cls, weight, points, person, centerness))
        return targets

    def _claim_points(
        self, image: Tensor, centers: Tensor, chosen: Tensor, stride: int, shape: tuple[int, int]
    ) -> tuple[PointIndex, Tensor, Tensor]:
        """Positive points of one level: each goes to the person with the nearest centre."""
        height, width = shape
        reach = math.ceil(self.radius)
        window = torch.arange(-reach, reach + 1, device=centers.device)
        cell = torch.floor((centers[chosen] + 0.5) / stride).long()  # (n, 2) the cell that holds the centre
        x = (cell[:, 0, None, None] + window[None, None, :]).expand(-1, len(window), -1)
        y = (cell[:, 1, None, None] + window[None, :, None]).expand(-1, -1, len(window))
        offset = torch.stack([x, y], -1) * stride + (stride - 1) / 2 - centers[chosen, None, None]  # (n, r, r, 2)
        distance = offset.norm(dim=-1)
        measure = distance if self.region == 'disk' else offset.abs().amax(-1)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height) & (measure < self.radius * stride)
        rows, ys, xs = torch.nonzero(inside, as_tuple=True)
        person, x, y, distance = chosen[rows], x[rows, ys, xs], y[rows, ys, xs], distance[rows, ys, xs]
        # nearest first, then keep the first claim on every point
        order = torch.argsort(distance, stable=True)
        person, x, y, distance = person[order], x[order], y[order], distance[order]
        flat = (image[person] * height + y) * width + x
        unique, inverse = torch.unique(flat, return_inverse=True)
        first = torch.full((len(unique),), len(flat), device=flat.device)
        first.scatter_reduce_(0, inverse, torch.arange(len(flat), device=flat.device), 'amin')
        person, x, y, distance = person[first], x[first], y[first], distance[first]
        return PointIndex(image[person], y, x), person, distance

    def _background_weight(self, labels: PersonLabels, batch_size: int, stride: int, shape: tuple[int, int]) -> Tensor:
        """(B, h, w): 0 at the points inside the box of an ignored person, 1 elsewhere."""
        height, width = shape
        weight = labels.bboxes.new_ones(batch_size, height, width)
        ignored = torch.nonzero(~labels.center_valid.bool()).squeeze(1)
        if len(ignored) == 0:
            return weight
        left, top, right, bottom = labels.bboxes[ignored].unbind(1)
        px = torch.arange(width, device=weight.device) * stride + (stride - 1) / 2
        py = torch.arange(height, device=weight.device) * stride + (stride - 1) / 2
        in_x = (px >= left[:, None]) & (px <= right[:, None])  # (n, w)
        in_y = (py >= top[:, None]) & (py <= bottom[:, None])  # (n, h)
        inside = (in_y[:, :, None] & in_x[:, None, :]).to(weight)
        hit = weight.new_zeros(batch_size, height, width).index_add_(0, labels.image[ignored], inside)
        return (hit == 0).to(weight)
