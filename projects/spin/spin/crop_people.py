"""What the network says of crops, placed before the camera of the original image. Letters: B people, one a crop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from mmpose.utils.typing import SampleList
from torch import Tensor

from das_mm.bodies.people_of_crops import people_of_crops
from das_mm.models.body_models.protocol import BodyModelProtocol
from das_mm.structures.crop_cameras import full_frame_translation
from das_mm.structures.image_frame import known_camera
from das_mm.structures.tensor_rotations import matrix_to_axis_angle

from .ief_head import RegressedBody

#: of the 49 keypoints
ROOT: Sequence[str] = ('pelvis',)


def add_people(
    samples: SampleList, found: RegressedBody, points: Tensor, body: BodyModelProtocol, fov_deg: float | None
) -> SampleList:
    """Adds ``pred_instances`` of one person to each sample, and the ``camera`` used to its metainfo.

    Args:
        samples: B packed crops, neither turned nor mirrored.
        found: Of the crops.
        points: (B, 49, 3) m, the keypoints of the bodies.
        body: That was regressed.
        fov_deg: Of images of unknown intrinsics.

    Raises:
        ValueError: A crop was turned or mirrored.
    """
    pose = matrix_to_axis_angle(found.rotations).cpu().numpy()
    betas, cameras, points_mm = (
        values.detach().cpu().numpy().astype(np.float64) for values in (found.betas, found.camera, 1000 * points)
    )
    for row, sample in enumerate(samples):
        sample.pred_instances = _person(
            sample, pose[row : row + 1], betas[row : row + 1], cameras[row], points_mm[row : row + 1], body, fov_deg
        )
    return samples


def _person(
    sample: PoseDataSample,
    pose: np.ndarray,
    betas: np.ndarray,
    crop_camera: np.ndarray,
    points_mm: np.ndarray,
    body: BodyModelProtocol,
    fov_deg: float | None,
) -> InstanceData:
    meta = sample.metainfo
    augmentation = meta.get('augmentation') or {}
    if augmentation.get('flip') or augmentation.get('rotation_deg'):
        raise ValueError('people cannot be read from a crop that was turned or mirrored')
    camera = known_camera(meta.get('camera'), meta['ori_shape'], fov_deg)
    sample.set_metainfo(dict(camera=camera))
    translation = full_frame_translation(
        crop_camera, np.asarray(meta['box_center']), np.asarray(meta['box_scale']), np.asarray(camera['K'])
    )
    fields = people_of_crops(pose, betas, 1000 * translation[None], points_mm, camera, body, ROOT)
    score = np.float32(np.reshape(meta.get('bbox_score', 1.0), -1)[0])
    scores = np.full(1, score, np.float32)
    fields |= dict(
        scores=scores,
        bbox_scores=scores,
        bboxes=_box(meta),
        keypoint_scores=np.full(fields['keypoints'].shape[:2], score, np.float32),
    )
    # what a network that has gone astray says of a photograph is nobody; in a test the metric counts it
    if 'bbox_score' in meta and not all(np.isfinite(values).all() for values in fields.values()):
        fields = {name: values[:0] for name, values in fields.items()}
    return InstanceData(metainfo=None, **fields)


def _box(meta: Mapping[str, Any]) -> np.ndarray:
    """(1, 4) xyxy px: the person's box, or else the square that was cut out."""
    if 'bbox' in meta:
        return np.asarray(meta['bbox'], np.float32).reshape(1, 4)
    center, half = np.asarray(meta['box_center'], np.float32), np.float32(meta['box_scale'] / 2)
    return np.concatenate([center - half, center + half])[None]
