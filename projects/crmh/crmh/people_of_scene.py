"""What was found in the network input, placed before the camera of the image. Letters: n people, K keypoints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from mmpose.utils.typing import SampleList
from torch import Tensor

from das_mm.bodies.people_of_crops import people_of_crops
from das_mm.bodies.posable_body import body_roots_mm
from das_mm.models.body_models.protocol import BodyModelProtocol
from das_mm.structures.cameras import back_project, focal_px, invert_warp, project, warp_points
from das_mm.structures.tensor_rotations import matrix_to_axis_angle

from .scene_camera import has_place, stored_camera

#: of the 24 keypoints
ROOT: Sequence[str] = ('pelvis',)


def add_people(
    samples: SampleList,
    people: Sequence[InstanceData],
    points: Sequence[Tensor],
    cameras: np.ndarray,
    body: BodyModelProtocol,
) -> SampleList:
    """Adds ``pred_instances`` to each sample, and the ``camera`` used to its metainfo.

    People whose numbers are not finite, or who stand behind the camera, are nobody. Where the camera of the image is
    known everybody's root keeps its place in the image, and depths grow with the focal length, so that the scene looks
    the same; else the network's own camera is that of the results (``source`` 'default_fov').

    Args:
        samples: B packed images, not mirrored.
        people: Of :meth:`.CRMH.find`.
        points: (n, K, 3) m of each image, keypoints of the bodies before they are moved.
        cameras: (B, 3, 3) of the network inputs.
        body: That was regressed.

    Raises:
        ValueError: An image was mirrored.
    """
    for sample, found, own, input_K in zip(samples, people, points, cameras):
        if sample.metainfo.get('flip'):
            raise ValueError('people cannot be read from a mirrored input: left and right are swapped')
        sound = has_place(found.translation) & own.flatten(1).isfinite().all(1)
        if 'image_fault' in sample.metainfo:  # a blank stands in for an image that could not be read
            sound = sound & False
        sample.pred_instances = _people(sample, found[sound], own[sound], input_K, body)
    return samples


def _people(
    sample: PoseDataSample, found: InstanceData, points: Tensor, input_K: np.ndarray, body: BodyModelProtocol
) -> InstanceData:
    warp = np.asarray(sample.metainfo['warp_mat'], np.float64)
    own_K = stored_camera(input_K, warp)
    camera = dict(sample.metainfo.get('camera') or {})
    if camera.get('K') is None:
        camera.update(K=own_K, source='default_fov', fov_deg=_field_of_view(own_K, sample.metainfo['ori_shape']))
    sample.set_metainfo(dict(camera=camera))
    pose = matrix_to_axis_angle(found.rotations).cpu().numpy().astype(np.float64)
    betas, translation, points_mm = (
        values.cpu().numpy().astype(np.float64) for values in (found.betas, 1000 * found.translation, 1000 * points)
    )
    translation = _before(camera, own_K, body_roots_mm(body, ROOT, pose, betas), translation)
    fields = people_of_crops(pose, betas, translation, points_mm, camera, body, ROOT)
    scores = found.scores.cpu().numpy().astype(np.float32)
    boxes = found.bboxes.cpu().numpy().astype(np.float64).reshape(-1, 2, 2)
    boxes = warp_points(boxes, invert_warp(warp)).reshape(-1, 4).astype(np.float32)
    keypoint_scores = np.repeat(scores[:, None], points.shape[1], axis=1)
    return InstanceData(
        metainfo=None, **fields, scores=scores, bbox_scores=scores, bboxes=boxes, keypoint_scores=keypoint_scores
    )


def _before(camera: Mapping[str, Any], own_K: np.ndarray, roots_mm: np.ndarray, translation_mm: np.ndarray):
    """Translations (n, 3) mm before the camera of the image, of those before the network's own."""
    K = np.asarray(camera['K'], np.float64)
    if np.allclose(K, own_K, rtol=1e-6, atol=1e-6) and camera.get('dist') is None:
        return translation_mm
    placed = roots_mm + translation_mm
    depths = placed[:, 2] * focal_px(K) / focal_px(own_K)
    return back_project(project(placed, own_K), depths, K, camera.get('dist')) - roots_mm


def _field_of_view(K: np.ndarray, shape: Sequence[int]) -> float:
    """Degrees along the longer side of an image of (height, width)."""
    return math.degrees(2 * math.atan(max(shape[:2]) / 2 / float(focal_px(K))))
