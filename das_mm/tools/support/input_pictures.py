"""One sample as the network is given it: its labels on one picture, beside it what the assigner asks of each level."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from mmpose.structures import PoseDataSample

from das_mm.models.task_modules import DASTargetAssigner, PersonLabels
from das_mm.structures import focal_px, warp_scale
from das_mm.visualization import People, canvas, draw_labels, draw_people, draw_relative_depths, draw_targets
from das_mm.visualization.overlay import enlarged
from das_mm.visualization.skeletons import Skeleton

_LEAST_WIDTH_PX = 800  # of a drawn input: smaller ones are enlarged by a whole number
_PADDING_BGR = (104, 116, 124)  # 0 after normalisation
_STRIP_BGR = (32, 28, 26)
_LEGENDS = (
    'labels: light = left, dark = right side; hatched = ignored, neither person nor background',
    'targets: cell = positive point (opaque: high centerness); joint: orange nearer, blue farther than root, '
    'hollow no depth',
)


def draw_input(
    image_bgr: np.ndarray,
    sample: PoseDataSample,
    skeleton: Skeleton,
    assigner: DASTargetAssigner | None = None,
    size_divisor: int = 1,
) -> np.ndarray:
    """The network's input with its labels, and beside it, where an assigner is given, with its targets.

    Args:
        image_bgr: (H, W, 3) uint8.
        sample: With ``gt_instance_labels`` of :class:`.PackDASInputs`; of mmpose's samples and of a person's crop the
            keypoints are drawn.
        assigner: Of the model's head.
        size_divisor: The input is padded to a multiple of it, as by the data preprocessor.
    """
    pad = [-side % size_divisor for side in image_bgr.shape[:2]]
    image = cv2.copyMakeBorder(image_bgr, 0, pad[0], 0, pad[1], cv2.BORDER_CONSTANT, value=_PADDING_BGR)
    scale = float(max(1, math.ceil(_LEAST_WIDTH_PX / image.shape[1])))
    if not _has_labels(sample):
        return _draw_keypoints(image, sample, skeleton, scale)
    labels = {name: values.numpy() for name, values in sample.gt_instance_labels.items()}
    K = sample.metainfo.get('input_K')
    focal = None if K is None else float(focal_px(K))
    panels = [draw_labels(image, labels, skeleton, focal_px=focal, scale=scale)]
    if assigner is not None:
        targets = _draw_assigned(image, sample.gt_instance_labels, labels, assigner, focal, scale)
        panels.append(draw_relative_depths(targets, labels, scale))
    return np.concatenate([_with_legend(panel, text) for panel, text in zip(panels, _LEGENDS)], axis=1)


def describe_input(sample: PoseDataSample, size: tuple[int, int]) -> str:
    """Source, people and what the augmentation did, in one line; ``size`` (height, width) of the input."""
    meta = sample.metainfo
    parts = [f'{meta.get("dataset_name", "")} {meta.get("img_id", "")}'.strip(), f'{size[1]}x{size[0]}']
    if 'warp_mat' in meta:
        (_, b), (_, d) = meta['warp_mat'][:, :2]
        moves = [f'×{warp_scale(meta["warp_mat"]):.2f}']
        degrees = math.degrees(math.atan2(-b, d))  # of the y axis, which a mirror leaves upright
        if abs(degrees) >= 0.5:
            moves.append(f'turned {degrees:.0f}°')
        if meta.get('flip'):
            moves.append('mirrored')
        parts.append(' '.join(moves))
    counts = count_people(sample)
    told = [f'{counts[name]} {name}' for name in ('learnt', 'ignored') if counts.get(name)]
    if counts.get('with depth', 0) < counts.get('learnt', 0):
        told.append(f'depth of {counts["with depth"] or "nobody"}')
    people = '1 person' if counts['people'] == 1 else f'{counts["people"]} people'
    parts.append(f'{people}: {", ".join(told)}' if told else people)
    if 'image_fault' in meta:
        parts.append(f'IMAGE FAULT: {meta["image_fault"]}')
    return '   '.join(parts)


def count_people(sample: PoseDataSample) -> dict[str, int]:
    """How many are annotated, and how many of them are learnt, ignored and learnt with their depth."""
    annotated = len(sample.gt_instances) if 'gt_instances' in sample else 0
    if not _has_labels(sample):
        return dict(people=annotated)
    labels: Any = sample.gt_instance_labels  # InstanceData gives what was set
    learnt = labels.center_valid > 0
    return dict(
        people=annotated,
        learnt=int(learnt.sum()),
        ignored=int((~learnt).sum()),
        **{'with depth': int((learnt & (labels.root_depths_weights > 0)).sum())},
    )


def _has_labels(sample: PoseDataSample) -> bool:
    return 'gt_instance_labels' in sample and 'center_valid' in sample.gt_instance_labels


def _draw_keypoints(image: np.ndarray, sample: PoseDataSample, skeleton: Skeleton, scale: float) -> np.ndarray:
    if 'gt_instance_labels' in sample and 'keypoints_2d' in sample.gt_instance_labels:
        labels: Any = sample.gt_instance_labels  # of a crop, in [-1, 1]
        points, known = np.split(labels.keypoints_2d.numpy(), [2], axis=2)
        return draw_people(image, _in_crop(points, known[..., 0] > 0, image.shape), skeleton, scale=scale)
    truth = sample.gt_instances if 'gt_instances' in sample else {}
    points = truth.get('transformed_keypoints')
    if points is None:
        return enlarged(image, scale)
    visible = np.asarray(truth.get('keypoints_visible', np.ones(points.shape[:2])))
    visible = visible[..., 0] if visible.ndim == 3 else visible  # mmpose: with weights beside it
    return draw_people(image, People(keypoints_px=np.asarray(points), keypoints_valid=visible), skeleton, scale=scale)


def _in_crop(points: np.ndarray, known: np.ndarray, shape: tuple[int, ...]) -> People:
    """People of keypoints (1, K, 2) in [-1, 1], edge to edge."""
    return People(keypoints_px=(points + 1) / 2 * shape[1::-1] - 0.5, keypoints_valid=known)


def _draw_assigned(
    image: np.ndarray,
    instances: Any,
    labels: dict[str, np.ndarray],
    assigner: DASTargetAssigner,
    focal: float | None,
    scale: float,
) -> np.ndarray:
    people = PersonLabels.from_instances([instances], instances.center_valid.device)
    shapes = [tuple(math.ceil(side / stride) for side in image.shape[:2]) for stride in assigner.strides]
    levels = assigner.assign(people, 1, shapes)
    xy = [np.stack([level.points.x.numpy(), level.points.y.numpy()], axis=1) for level in levels]
    places = [(cells + 0.5) * stride - 0.5 for cells, stride in zip(xy, assigner.strides)]
    learnt = labels['center_valid'] > 0
    roots = np.where(learnt[:, None], assigner.centers(people).numpy(), np.nan)
    known = (labels['root_depths_weights'] > 0) & (focal is not None)
    return draw_targets(
        image,
        np.concatenate(places),
        np.repeat(assigner.strides, [len(cells) for cells in xy]),
        np.concatenate([level.person.numpy() for level in levels]),
        centerness=np.concatenate([level.centerness.numpy() for level in levels]),
        roots_px=roots,
        root_depths_mm=np.where(known, labels['root_depths_norm'] * (focal or 0), np.nan),
        ignore_boxes_px=labels['bboxes'][~learnt],
        scale=scale,
    )


def _with_legend(panel: np.ndarray, text: str) -> np.ndarray:
    size = 15
    while size > 8 and canvas.text_size(text, size)[0] > panel.shape[1]:
        size -= 1
    strip = np.empty((canvas.text_size(text, 15)[1] + 4, panel.shape[1], 3), np.uint8)
    strip[:] = _STRIP_BGR
    canvas.draw_text(strip, text, (2, 2), size, background=None)
    return np.concatenate([panel, strip])
