"""People planted into a network, so that speed can be measured for a stated number of them.

How long DAS takes depends on how many people it finds and on which levels: regression is evaluated at their points and
nowhere else. Random weights find nobody, and a checkpoint needs fitting images. So the scene is made up: labels of N
people in each image, whom the model's own assigner puts on levels and points; at inference the head fires at exactly
these points (confidence, centerness) and its joint offsets reach for these people's joints, as those of a trained
network do. All convolutions run as ever; what they say is added with a small weight, so none is computed in vain.

B images, N people an image, K keypoints, D coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from das_mm.errors import UserError
from das_mm.models.heads import DASHead
from das_mm.models.heads.towers import gather_points
from das_mm.models.layers import MultiSourceUpdate, PointIndex
from das_mm.models.task_modules import LevelTargets, PersonLabels

# Share of the network's own numbers in what a planted branch says: enough to make no two points alike
_KEEP = 0.1
_NOBODY_LOGIT, _CENTERNESS_LOGIT = -8.0, 4.0
_CLOSED_GATE = -6.0  # added to the gate's logits: a trained update corrects offsets by little, a random one halves them
_WIDTH_OF_HEIGHT = 0.35
_FOCAL_OF_WIDTH = 1.0
# People of 80 to 320 px: who stands a few metres from the cameras of the Panoptic studio, at 1333x640
_USUAL_STRIDES = (16, 32)


@dataclass(frozen=True)
class Scene:
    """N people in each of B images.

    Attributes:
        labels: (B) the labels of each image, in pixels of the network input, with all fields that DAS and the branches
            of this package learn from.
        size: (width, height) of the network input.
        strides: The levels that hold the people.
    """

    labels: tuple[InstanceData, ...]
    size: tuple[int, int]
    strides: tuple[int, ...]

    @property
    def num_people(self) -> int:
        return len(self.labels[0])

    def samples(self, first_frame: int = 0) -> list[PoseDataSample]:
        """New samples with labels and with the metainfo that prediction needs, as consecutive frames of a video."""
        width, height = self.size
        focal = _FOCAL_OF_WIDTH * width
        K = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
        samples = []
        for index, labels in enumerate(self.labels):
            sample = PoseDataSample(
                metainfo=dict(
                    ori_shape=(height, width),
                    img_shape=(height, width),
                    flip=False,
                    warp_mat=np.eye(3)[:2],
                    camera=dict(K=K, source='user'),
                    seq='bench',
                    view=None,
                    frame=first_frame + index,
                )
            )
            sample.gt_instance_labels = labels
            samples.append(sample)
        return samples

    def targets(self, head: DASHead, shapes: Sequence[tuple[int, int]]) -> list[LevelTargets]:
        """Which points of levels of (h, w) ``shapes`` are the people's."""
        labels = PersonLabels.from_instances(self.labels, head.scales.device)
        return head.assigner.assign(labels, len(self.labels), shapes)


def make_scene(
    head: DASHead,
    num_people: int,
    size: tuple[int, int],
    strides: Sequence[int] | None = None,
    batch: int = 1,
    seed: int = 0,
) -> Scene:
    """Standing people, spread over the image, in turn on the levels of ``strides``.

    Args:
        head: Whose levels they are.
        num_people: N in each image; 0 is allowed.
        size: (width, height) of the network input.
        strides: Levels in use, by their strides; default 16 and 32 where the head has them, else all.
        batch: B.
        seed: Of their places and poses.

    Raises:
        UserError: The head has no such level, or a number is out of its range.
    """
    if num_people < 0 or batch < 1:
        raise UserError(
            f'{num_people} people in {batch} images',
            field='people',
            remedy='give 0 or more people and 1 or more images',
        )
    strides = tuple(strides or [stride for stride in head.strides if stride in _USUAL_STRIDES] or head.strides)
    unknown = [stride for stride in strides if stride not in head.strides]
    if unknown:
        raise UserError(
            f'the head has no level of stride {unknown[0]}',
            field='levels',
            remedy=f'choose out of {", ".join(map(str, head.strides))}',
        )
    generator = torch.Generator().manual_seed(seed)
    labels = tuple(_make_labels(head, num_people, size, strides, generator) for _ in range(batch))
    return Scene(labels, size, strides[: max(num_people, 1)])


def _make_labels(
    head: DASHead, count: int, size: tuple[int, int], strides: Sequence[int], generator: torch.Generator
) -> InstanceData:
    rand = lambda *shape: torch.rand(*shape, generator=generator)
    root = _spread(count, size, rand)
    reach = torch.tensor([_reach_px(head, strides[index % len(strides)]) for index in range(count)])  # r_max
    pose = torch.stack(
        [_WIDTH_OF_HEIGHT * (2 * rand(count, head.num_keypoints) - 1), 0.9 * (2 * rand(count, head.num_keypoints) - 1)],
        dim=-1,
    )
    pose[:, 0] = torch.tensor([0.0, -1.0])  # the keypoint that reaches furthest, and says the level
    if head.coder.root_index is not None:
        pose[:, head.coder.root_index] = 0
        pose[:, (head.coder.root_index + 1) % head.num_keypoints] = torch.tensor([0.0, -1.0])
    keypoints = root[:, None] + pose * reach.view(-1, 1, 1)
    ones, shape = torch.ones(count), (count, head.num_keypoints)
    half = reach[:, None].expand(-1, 2)
    return InstanceData(
        bboxes=torch.cat([root - half, root + half], dim=1),
        root_px=root,
        keypoints=keypoints,
        keypoints_weights=torch.ones(shape),
        relative_depths_mm=500 * (rand(*shape) - 0.5),
        relative_depths_weights=torch.ones(shape),
        root_depths_norm=3 + rand(count),
        root_depths_weights=ones,
        center_valid=ones.bool(),
        # for branches: a body at rest, nobody has moved
        keypoints_3d_mm=torch.zeros(*shape, 3),
        keypoints_3d_weights=torch.ones(shape),
        smpl_pose_matrices=torch.eye(3).expand(count, 24, 3, 3).clone(),
        smpl_betas=torch.zeros(count, 10),
        smpl_weights=ones,
        previous_root_px=root,
        previous_root_weights=ones,
        previous_keypoints=keypoints,
        previous_keypoints_weights=torch.ones(shape),
    )


def _spread(count: int, size: tuple[int, int], rand) -> Tensor:
    """(N, 2) places on a shaken grid."""
    width, height = size
    columns = max(1, math.ceil(math.sqrt(count * width / height)))
    rows = max(1, math.ceil(count / columns))
    cell = torch.tensor([width / columns, height / rows])
    index = torch.arange(count)
    corner = torch.stack([index % columns, index // columns], dim=1) * cell
    return corner + cell * (0.35 + 0.3 * rand(count, 2)) - 0.5


def _reach_px(head: DASHead, stride: int) -> float:
    """A size of person that the assigner puts on a level."""
    low, high = head.assigner.regress_ranges[head.strides.index(stride)]
    return 0.7 * high if low == 0 else min(1.4 * low, (low + high) / 2)


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
        shapes = [tuple(shape) for shape in shapes]
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
    def _change(self, branches: dict[str, nn.Module], gate: float) -> None:
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
    """An output branch of the head that says what was planted, and a little of its own."""

    def __init__(self, network: nn.Module, maps: dict[tuple[int, int], Tensor]):
        super().__init__()
        self.network, self.maps = network, maps

    def forward(self, feat: Tensor) -> Tensor:
        return _KEEP * self.network(feat) + self.maps[tuple(feat.shape[-2:])]

    def at_points(self, feat: Tensor, points: PointIndex) -> Tensor:
        said = self.network.at_points(feat, points)
        return _KEEP * said + gather_points(self.maps[tuple(feat.shape[-2:])], points)
