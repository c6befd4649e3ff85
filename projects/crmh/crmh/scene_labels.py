"""Labels of packed samples as the detector and its branch take them: full images and crops of one person alike.

Frames: px of the network input; metres and rotations of its camera. Letters: n people of an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch import Tensor

from das_mm.structures.cameras import warp_points

_LEAST_SIDE_PX = 1.0


@dataclass(frozen=True)
class SceneLabels:
    """Of one image.

    Attributes:
        people: n of them: ``bboxes`` (n, 4) xyxy, ``labels`` (n,) zeros, ``keypoints_2d`` (n, 24, 3) px and confidence,
            ``keypoints_3d`` (n, 24, 4) m and confidence, ``rotations`` (n, 24, 3, 3), ``betas`` (n, 10), ``has_smpl``
            (n,), and ``map_number`` (n,), what the instance map calls them.
        ignored: ``bboxes`` of people and regions that are neither learnt nor background.
        instance_map: (h, w) numbers of people at the pixels of the input before it is padded; None without masks.
    """

    people: InstanceData
    ignored: InstanceData
    instance_map: Tensor | None


def scene_labels(samples: Sequence[PoseDataSample], like: Tensor) -> list[SceneLabels]:
    """Labels of samples of ``PackDASInputs`` (with ``AddMeshLabels`` and :class:`.AddPersonMarks`) or of
    ``PackPersonInputs``, on the device of a tensor."""
    return [
        (_of_crop if 'keypoints_2d' in sample.gt_instance_labels else _of_scene)(sample, like) for sample in samples
    ]


def _of_scene(sample: PoseDataSample, like: Tensor) -> SceneLabels:
    labels = sample.gt_instance_labels.to(like.device)
    keypoints = labels.keypoints_weights * labels.keypoint_factor[:, None]
    weights = labels.keypoints_3d_weights
    columns = dict(
        bboxes=labels.bboxes,
        keypoints_2d=torch.cat([labels.keypoints, keypoints[..., None]], dim=-1),
        keypoints_3d=torch.cat([labels.keypoints_3d_mm / 1000, weights[..., None]], dim=-1),
        rotations=labels.smpl_pose_matrices,
        betas=labels.smpl_betas,
        has_smpl=labels.smpl_weights > 0,
        map_number=torch.arange(1, 1 + len(labels), device=like.device),
    )
    sides = labels.bboxes[:, 2:] - labels.bboxes[:, :2]
    target = (labels.is_target > 0) & (sides > _LEAST_SIDE_PX).all(1)
    seen = sample.gt_fields.instance_map[0].to(like.device) if 'gt_fields' in sample else None
    return _labels({name: column[target] for name, column in columns.items()}, labels.bboxes[~target], seen)


def _of_crop(sample: PoseDataSample, like: Tensor) -> SceneLabels:
    """One person fills the crop; their keypoints come in [-1, 1] of it, their box in px of the image."""
    labels, meta = sample.gt_instance_labels.to(like.device), sample.metainfo
    height, width = meta['img_shape']
    warp = torch.as_tensor(meta['warp_mat']).to(like)
    x1, y1, x2, y2 = torch.as_tensor(meta['bbox']).to(like)
    corners = warp_points(torch.stack([x1, y1, x2, y1, x2, y2, x1, y2]).view(4, 2), warp)
    last = corners.new_tensor([width - 1, height - 1])
    box = torch.cat([corners.amin(0), corners.amax(0)]).clamp(min=0).minimum(last.repeat(2))
    keypoints = labels.keypoints_2d.clone()
    keypoints[..., :2] = (keypoints[..., :2] + 1) * keypoints.new_tensor([width, height]) / 2 - 0.5
    columns = dict(
        bboxes=box[None],
        keypoints_2d=keypoints,
        keypoints_3d=labels.keypoints_3d,
        rotations=labels.smpl_rotations,
        betas=labels.smpl_betas,
        has_smpl=labels.has_smpl > 0,
        map_number=torch.ones(1, dtype=torch.long, device=like.device),
    )
    learnt = bool((box[2:] - box[:2] > _LEAST_SIDE_PX).all())
    return _labels({name: column[: int(learnt)] for name, column in columns.items()}, box.new_zeros(0, 4), None)


def _labels(columns: dict[str, Tensor], ignored: Tensor, instance_map: Tensor | None) -> SceneLabels:
    people = InstanceData(labels=torch.zeros_like(columns['map_number']), **columns)
    return SceneLabels(people, InstanceData(bboxes=ignored), instance_map)
