"""The people of each image together, each as the head says that they are: what losses on whole scenes are given.

In training many points speak of a person; here each person is the point that a detection would take, the one of the
highest score. Two points of one person would stand in each other as no two people do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from mmpose.structures import PoseDataSample
from mmpose.utils.typing import SampleList
from torch import Tensor

from das_mm.errors import UserError
from das_mm.models.task_modules import DASPoseCoder, LevelTargets, PersonLabels
from das_mm.structures import back_project, default_intrinsics, focal_px, transform_intrinsics

from .point_outputs import PointOutputs


class InputCamera(NamedTuple):
    """The camera of a network input: ``K`` (3, 3) px, and ``dist`` (5,) or None."""

    K: Tensor
    dist: Tensor | None


@dataclass
class ScenePeople:
    """n people of a batch of B images, in px of the network input.

    Attributes:
        outputs (PointOutputs): What the head regressed at their points.
        roots_px (Tensor): (n, 2), with gradient.
        root_depths_norm (Tensor): (n,) z / f, mm/px, with gradient.
        row (Tensor): (n,) of each among the labels of their image.
        cameras (list[InputCamera]): B. Where it is not known, the one that inference takes then.
        instance_maps (list[Tensor | None]): B of (h, w) int64: m + 1 where row m of the image's labels is seen, 0
            elsewhere; None where the pipeline draws no masks.
    """

    outputs: PointOutputs
    roots_px: Tensor
    root_depths_norm: Tensor
    row: Tensor
    cameras: list[InputCamera]
    instance_maps: list[Tensor | None]

    def positions_m(self, places_px: Tensor, depths_norm: Tensor) -> Tensor:
        """(n, 3) m in the cameras of their images, of places (n, 2) px at depths (n,) over the focal length, mm/px."""
        positions = places_px.new_zeros(len(places_px), 3)
        for image, (K, dist) in enumerate(self.cameras):
            rows = torch.nonzero(self.outputs.image == image).squeeze(1)
            depth = depths_norm[rows] * focal_px(K) / 1000
            positions = positions.index_put((rows,), back_project(places_px[rows], depth, K, dist))
        return positions


def scene_people(
    outputs: PointOutputs,
    cls_logits: Sequence[Tensor],
    targets: Sequence[LevelTargets],
    labels: PersonLabels,
    samples: SampleList,
    coder: DASPoseCoder,
) -> ScenePeople:
    """The people of a batch, from what the head says at the positive points of all levels.

    Args:
        outputs: P positive points, level by level.
        cls_logits: (B, h, w) a level.
        targets: One a level.
        labels: Persons of the batch.
        samples: B samples; they have the cameras, and the masks in ``gt_fields.instance_map``.
        coder: Of roots.
    """
    person = torch.cat([target.person for target in targets])
    best = best_points(person, _scores(outputs, cls_logits, targets))
    chosen = outputs[best]
    begin = torch.searchsorted(labels.image, torch.arange(len(samples), device=person.device))
    decoded = coder.decode(chosen.root, chosen.pose[-1], chosen.points_px, chosen.strides)
    return ScenePeople(
        outputs=chosen,
        roots_px=decoded.roots_px,
        root_depths_norm=decoded.root_depths_norm,
        row=person[best] - begin[chosen.image],
        cameras=[_camera(sample, person.device) for sample in samples],
        instance_maps=[_instance_map(sample, person.device) for sample in samples],
    )


def best_points(person: Tensor, scores: Tensor) -> Tensor:
    """Numbers (n,) of the points with the highest score (P,) of each person (P,); of equal ones the first."""
    order = torch.argsort(scores, descending=True, stable=True)
    people, inverse = torch.unique(person[order], return_inverse=True)
    first = torch.full((len(people),), len(order), device=person.device)
    return order[first.scatter_reduce_(0, inverse, torch.arange(len(order), device=person.device), 'amin')]


def _scores(outputs: PointOutputs, cls_logits: Sequence[Tensor], targets: Sequence[LevelTargets]) -> Tensor:
    """(P,) as inference has them: confidence times centerness; without gradient."""
    points = [target.points for target in targets]
    logits = torch.cat([maps[at.batch, at.y, at.x] for maps, at in zip(cls_logits, points)])
    return (logits.float().sigmoid() * outputs.centerness.sigmoid()).detach()


def _camera(sample: PoseDataSample, device: torch.device) -> InputCamera:
    meta = sample.metainfo
    K, dist = meta.get('input_K'), meta.get('input_dist')
    if K is None:
        height, width = meta['ori_shape'][:2]
        K = transform_intrinsics(default_intrinsics(width, height), np.asarray(meta['warp_mat'], np.float64))
    tensor = lambda array: torch.as_tensor(np.asarray(array), dtype=torch.float32, device=device)
    return InputCamera(tensor(K), None if dist is None else tensor(dist))


def _instance_map(sample: PoseDataSample, device: torch.device) -> Tensor | None:
    fields = sample.get('gt_fields')
    if fields is None or 'instance_map' not in fields:
        return None
    drawn, shape = fields.instance_map[0], tuple(sample.metainfo['img_shape'][:2])
    if tuple(drawn.shape) != shape:
        raise UserError(
            f'its masks have the shape {tuple(drawn.shape)}, the network input {shape}',
            file=sample.metainfo.get('img_path'),
            field='instance_map',
            remedy='put AddInstanceMap behind all geometric transforms',
        )
    return drawn.to(device).long()
