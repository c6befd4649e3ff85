"""Scenes of a stated number of people, on stated levels of a head, for which speed is measured.

B images, N people an image, K keypoints.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch import Tensor

from das_mm.errors import UserError
from das_mm.models.heads import DASHead
from das_mm.models.task_modules import LevelTargets, PersonLabels

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
                    seq='speed',
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
