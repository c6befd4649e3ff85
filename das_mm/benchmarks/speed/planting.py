"""People planted into a network, so that speed can be measured for a stated number of them.

How long DAS takes depends on how many people it finds and on which levels: regression is evaluated at their points and
nowhere else. Random weights find nobody, and a checkpoint needs fitting images. So the scene is made up: labels of N
people in each image, whom the model's own assigner puts on levels and points; at inference the head fires at exactly
these points (confidence, centerness) and its joint offsets reach for these people's joints, as those of a trained
network do. All convolutions run as ever; what they say is added with a small weight, so none is computed in vain.

B images, N people an image, K keypoints, D coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from das_mm.errors import UserError
from das_mm.models.heads import DASHead
from das_mm.models.heads.towers import gather_points
from das_mm.models.layers import MultiSourceUpdate, PointIndex
from das_mm.models.task_modules import LevelTargets, PersonLabels

from .scenes import Scene

# Share of the network's own numbers in what a planted branch says: enough to make no two points alike
_KEEP = 0.1
_NOBODY_LOGIT, _CENTERNESS_LOGIT = -8.0, 4.0
_CLOSED_GATE = -6.0  # added to the gate's logits: a trained update corrects offsets by little, a random one halves them


class Planting:
    """While entered, the head finds the people of a scene, sparse and dense alike, in training and inference.

    Args:
        head: It is left as it was.
        scene: Who is there.
        shapes: (h, w) of every level's map.

    Attributes:
        num_points: How many points are the people's.

    Raises:
        UserError: The image is too small for its levels or for its people.
    """

    def __init__(self, head: DASHead, scene: Scene, shapes: Sequence[tuple[int, int]]):
        shapes = [(height, width) for height, width in shapes]
        if len(set(shapes)) < len(shapes):
            raise UserError(
                f'{scene.size[0]}x{scene.size[1]} makes two levels of one size',
                field='size',
                remedy='choose a larger size',
            )
        targets = scene.targets(head, shapes)
        persons = torch.cat([target.person for target in targets])
        if len(persons.unique()) < scene.num_people * len(scene.labels):
            raise UserError(
                f'{scene.num_people} people do not fit into {scene.size[0]}x{scene.size[1]}: they hide one another',
                field='people',
                remedy='fewer people or a larger size',
            )
        self.num_points = len(persons)
        maps = zip(*(_level_maps(head, scene, target, stride) for target, stride in zip(targets, head.strides)))
        self._head, self._gates = head, _gate_biases(head)
        self._networks = {name: getattr(head, name) for name in ('cls_branch', 'centerness_branch', 'pose_branch')}
        self._planted = {
            name: _PlantedBranch(network, dict(zip(shapes, levels)))
            for (name, network), levels in zip(self._networks.items(), maps)
        }

    def __enter__(self) -> Planting:
        self._change(self._planted, _CLOSED_GATE)
        return self

    def __exit__(self, *error: object) -> None:
        self._change(self._networks, -_CLOSED_GATE)

    @torch.no_grad()
    def _change(self, branches: Mapping[str, nn.Module], gate: float) -> None:
        for name, branch in branches.items():
            setattr(self._head, name, branch)
        for bias in self._gates:
            bias += gate


def _gate_biases(head: DASHead) -> list[Tensor]:
    update = head.update
    if not isinstance(update, MultiSourceUpdate):
        return []
    return [getattr(update, name).next_level_offset.update_weight.bias for name in update.layers]


def _level_maps(head: DASHead, scene: Scene, target: LevelTargets, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of one level: centre logits (B, 1, h, w), centerness logits (B, 1, h, w), joint offsets (B, K*D, h, w)."""
    points, cls = target.points, target.cls[:, None]
    logits = torch.full_like(cls, _NOBODY_LOGIT)
    # no two points of a person are equally good
    jitter = torch.rand(len(target.person), generator=torch.Generator().manual_seed(0)).to(cls)
    logits[points.batch, 0, points.y, points.x] = 0.5 + 1.5 * target.centerness + 0.3 * jitter
    return logits, torch.full_like(cls, _CENTERNESS_LOGIT), _offset_field(head, scene, target, stride)


def _offset_field(head: DASHead, scene: Scene, target: LevelTargets, stride: int) -> Tensor:
    """(B, K*D, h, w): every pixel points at the joints of the level's nearest person, 0 far from everybody."""
    batch, height, width = target.cls.shape
    field = target.cls.new_zeros(batch, head.num_keypoints, head.dims, height, width)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    place = (torch.stack([x, y]) * stride + (stride - 1) / 2).to(field)  # (2, h, w) px
    labels = PersonLabels.from_instances(scene.labels, field.device)
    here = target.person.unique()
    reach = head.assigner.person_sizes(labels)
    for image in range(batch):
        rows = here[labels.image[here] == image]
        if len(rows) == 0:
            continue
        distance = (place[None] - labels.root_px[rows][..., None, None]).norm(dim=1)  # (n, h, w)
        nearest, index = distance.min(dim=0)
        person = rows[index]  # (h, w)
        offset = labels.keypoints[person].permute(2, 3, 0, 1) - place  # (K, 2, h, w)
        field[image, :, :2] = torch.where(nearest < 1.5 * reach[person], offset / stride, 0)
    return field.flatten(1, 2)


class _PlantedBranch(nn.Module):
    """An output branch of the head that gives what was planted, and a small share of its own output."""

    def __init__(self, network: Any, maps: dict[tuple[int, ...], Tensor]):
        super().__init__()
        self.network, self.maps = network, maps

    def forward(self, feat: Tensor) -> Tensor:
        return _KEEP * self.network(feat) + self.maps[tuple(feat.shape[-2:])]

    def at_points(self, feat: Tensor, points: PointIndex) -> Tensor:
        said = self.network.at_points(feat, points)
        return _KEEP * said + gather_points(self.maps[tuple(feat.shape[-2:])], points)
