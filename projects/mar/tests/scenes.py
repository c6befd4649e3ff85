"""People in camera space, and the maps that a perfect network would give of them."""

from __future__ import annotations

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.models.task_modules import PersonLabels
from das_mm.structures import KEYPOINT_SETS, focal_px, project, root_of
from projects.mar.mar.keypoint_maps import keypoint_heatmaps, limb_fields, to_cells
from projects.mar.mar.limb_skeleton import limb_skeleton
from projects.mar.mar.root_losses import BatchCameras
from tests.toy import _REST

SET, SIZE, STRIDE, TORSO_MM, DEPTH_SCALE = 'panoptic15', (832, 512), 4, 520.0, 0.2
K_832 = np.array([[800.0, 0, 415], [0, 790, 255], [0, 0, 1]])


def crowd(places_m, leans=None, keypoint_set=SET) -> np.ndarray:
    """(N, K, 3) mm: upright people at (x, z) or (x, y, z) metres, who lean towards the camera by so many rad."""
    names = KEYPOINT_SETS[keypoint_set].keypoints
    body = np.zeros((len(names), 3))
    for index, name in enumerate(names):
        side = -1 if name.startswith('right_') else 1
        place = _REST.get(name) or _REST.get(name.replace('right_', 'left_')) or _limb(name)
        body[index] = (side * place[0] if side < 0 else place[0], place[1], place[2])
    people = []
    for index, (x, *y, z) in enumerate(places_m):
        angle = 0.15 * (index % 3 - 1) if leans is None else leans[index]
        turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
        people.append(1000 * (body @ turn.T + (x, y[0] if y else 0, z)))
    return np.array(people).reshape(-1, len(names), 3)


def _limb(name: str) -> tuple[float, float, float]:
    along = dict(elbow=(-0.25, -0.21), wrist=(-0.27, 0.03), knee=(-0.13, 0.45), ankle=(-0.13, 0.87))
    x, y = along[name.rsplit('_', 1)[-1]]
    return (-x, y, 0.0)


def perfect_maps(people_mm: np.ndarray, K: np.ndarray = K_832, size=SIZE, stride=STRIDE, sigma=2.0) -> dict:
    """heatmaps, fields, offsets, depth of one image, numpy float32; both σ are 1 mm/px."""
    skeleton = limb_skeleton(SET)
    pixels = project(people_mm, K)
    points = to_cells(torch.from_numpy(pixels).float(), stride)
    shape = (size[1] // stride, size[0] // stride)
    given = (
        points,
        torch.ones(points.shape[:2], dtype=torch.bool),
        torch.zeros(len(points), dtype=torch.long),
        1,
        shape,
    )
    heatmaps = keypoint_heatmaps(*given, sigma)[0].numpy()
    fields = limb_fields(*given, skeleton.limbs, 1.0)[0].flatten(0, 1).numpy()
    offsets = np.zeros((len(skeleton.others), 3, *shape), np.float32)
    depth = np.zeros((3, *shape), np.float32)
    depth[1:] = np.log(DEPTH_SCALE)
    for person in np.argsort(-people_mm[:, skeleton.root, 2]):  # the nearest is written last
        x, y = np.rint(points[person, skeleton.root].numpy()).astype(int)
        here = (slice(max(y - 1, 0), y + 2), slice(max(x - 1, 0), x + 2))
        others, root = list(skeleton.others), skeleton.root
        step_px = pixels[person, others] - pixels[person, root]
        step_mm = people_mm[person, others, 2] - people_mm[person, root, 2]
        code = np.concatenate([step_px / stride, step_mm[:, None] / TORSO_MM], 1)
        offsets[(slice(None), slice(None), *here)] = code[..., None, None]
        depth[(0, *here)] = people_mm[person, root, 2] / focal_px(K) * DEPTH_SCALE
    return dict(heatmaps=heatmaps, fields=fields, offsets=offsets.reshape(-1, *shape), depth=depth)


def labels_of(batch_mm: list[np.ndarray], K: np.ndarray | None = K_832, size=SIZE) -> tuple[PersonLabels, BatchCameras]:
    """Labels and cameras of a batch; without K nobody's depth is known, as in COCO."""
    camera = K_832 if K is None else K
    instances = []
    for people in batch_mm:
        pixels = project(people, camera)
        valid = np.ones(pixels.shape[:2])
        roots_px, _ = root_of(pixels, valid, SET)
        roots_mm, _ = root_of(people, valid, SET)
        depth = roots_mm[:, 2]
        corners = np.concatenate([pixels.min(1, initial=1e9), pixels.max(1, initial=-1e9)], 1)
        known = K is not None
        fields = dict(
            bboxes=corners,
            keypoints=pixels,
            keypoints_weights=valid,
            relative_depths_mm=(people[..., 2] - depth[:, None]) if known else np.full(valid.shape, np.nan),
            relative_depths_weights=valid * known,
            root_px=roots_px,
            root_depths_norm=depth / focal_px(camera) if known else np.zeros(len(people)),
            root_depths_weights=np.full(len(people), float(known)),
            center_valid=np.ones(len(people)),
        )
        instances.append(
            InstanceData(
                **{name: torch.from_numpy(np.ascontiguousarray(value)).float() for name, value in fields.items()}
            )
        )
    samples = []
    for one in instances:
        sample = PoseDataSample(metainfo=dict(input_K=None if K is None else K, input_dist=None))
        sample.gt_instance_labels = one
        samples.append(sample)
    device = torch.device('cpu')
    return PersonLabels.from_instances(instances, device), BatchCameras.of_samples(samples, device)
