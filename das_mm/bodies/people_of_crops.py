"""Bodies that a network regressed from crops of one person each, as people of the original image.

The fields are those of ``pred_instances`` of :meth:`das_mm.models.pose_estimators.DAS.predict`, so that results and
pictures take them. Letters: n people of one image, K keypoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from das_mm.structures.cameras import focal_px, project
from das_mm.structures.crop_cameras import full_frame_translation
from das_mm.structures.task_fields import TaskDescription

from .posable_body import PosableBody, body_roots_mm
from .smpl_fields import SMPL_FIELDS


def describe_crop_meshes(body: Any, root: Sequence[str]) -> TaskDescription:
    """The task of a model that regresses bodies.

    Args:
        body: With ``describe()``, such as :class:`das_mm.models.body_models.SMPLBody`.
        root: Keypoints of it whose mean is the root.
    """
    return TaskDescription('mesh', SMPL_FIELDS, dict(body.describe(), root=list(root), placement='camera'))


def people_of_crops(
    axis_angle: np.ndarray,
    betas: np.ndarray,
    translation_mm: np.ndarray,
    points_mm: np.ndarray,
    camera: Mapping[str, Any],
    body: PosableBody,
    root: Sequence[str],
) -> dict[str, np.ndarray]:
    """Fields of n people, float32: ``keypoints`` (n, K, 2) px, ``keypoints_3d`` (n, K, 3) mm, ``roots_px`` (n, 2),
    ``root_depths_mm`` (n,), ``root_depths_norm`` (n,) mm per px of focal length, ``relative_depths_mm`` (n, K) and
    SMPL's (:data:`.SMPL_FIELDS`). Scores and boxes are the caller's.

    Args:
        axis_angle: (n, 24, 3) rad, the root in the camera frame of the image.
        betas: (n, B).
        translation_mm: (n, 3), camera frame of the image, e.g. of
            :func:`das_mm.structures.crop_cameras.full_frame_translation`.
        points_mm: (n, K, 3) keypoints of the bodies before they are moved.
        camera: ``K`` and ``dist`` of the image.
        body: The body.
        root: Keypoints of it whose mean is the root.
    """
    own_root = body_roots_mm(body, root, axis_angle, betas)
    fields = points_of_crops(points_mm, own_root, translation_mm, camera)
    smpl = dict(
        smpl_global_orient=axis_angle[:, 0], smpl_body_pose=axis_angle[:, 1:], smpl_betas=betas, smpl_root_mm=own_root
    )
    return fields | {name: np.asarray(values, np.float32) for name, values in smpl.items()}


def points_of_crops(
    points_mm: np.ndarray, root_mm: np.ndarray, translation_mm: np.ndarray, camera: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """The fields of :func:`people_of_crops` without those of the parameters: of a mesh that has none.

    Args:
        points_mm, translation_mm, camera: As there.
        root_mm: (n, 3) before it is moved.
    """
    K, dist = np.asarray(camera['K'], np.float64), camera.get('dist')
    translation = np.asarray(translation_mm, np.float64)
    roots, points = root_mm + translation, points_mm + translation[:, None]
    fields = dict(
        keypoints=project(points, K, dist),
        keypoints_3d=points,
        roots_px=project(roots, K, dist),
        root_depths_mm=roots[:, 2],
        root_depths_norm=roots[:, 2] / focal_px(K),
        relative_depths_mm=points[..., 2] - roots[:, None, 2],
        smpl_transl_mm=translation,
    )
    return {name: np.asarray(values, np.float32) for name, values in fields.items()}


def person_of_crop(fields: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The one person of a crop with its scores and its box.

    Args:
        fields: Of :func:`people_of_crops` or :func:`points_of_crops`, n = 1.
        meta: Metainfo of the crop: ``bbox_score`` at inference, ``bbox`` or ``box_center`` and ``box_scale``.

    Returns:
        The fields with ``scores``, ``bbox_scores``, ``keypoint_scores`` and ``bboxes``. At inference nobody (n = 0)
        where a number is not finite: what a network that has gone astray says of a photograph is nobody; in a test the
        metric counts it.
    """
    score = np.float32(np.reshape(meta.get('bbox_score', 1.0), -1)[0])
    scores = np.full(1, score, np.float32)
    person = dict(
        fields,
        scores=scores,
        bbox_scores=scores,
        bboxes=_box(meta),
        keypoint_scores=np.full(fields['keypoints'].shape[:2], score, np.float32),
    )
    if 'bbox_score' in meta and not all(np.isfinite(values).all() for values in person.values()):
        person = {name: values[:0] for name, values in person.items()}
    return person


def crop_translation(crop_camera: np.ndarray, meta: Mapping[str, Any], camera: Mapping[str, Any]) -> np.ndarray:
    """Where the body of a crop stands before the camera of the whole image, (1, 3) m.

    Args:
        crop_camera: (1, 3): s, tx, ty.
        meta: Of the crop: ``box_center``, ``box_scale`` and ``augmentation``.
        camera: ``K`` of the image.

    Raises:
        ValueError: The crop was turned or mirrored: its sides are not those of the image.
    """
    augmentation = meta.get('augmentation') or {}
    if augmentation.get('flip') or augmentation.get('rotation_deg'):
        raise ValueError('people cannot be read from a crop that was turned or mirrored')
    center, side = np.asarray(meta['box_center'], np.float64), np.asarray(meta['box_scale'], np.float64)
    return full_frame_translation(crop_camera, center[None], side[None], np.asarray(camera['K'], np.float64)[None])


def _box(meta: Mapping[str, Any]) -> np.ndarray:
    """(1, 4) xyxy px: the person's box, or else the square that was cut out."""
    if 'bbox' in meta:
        return np.asarray(meta['bbox'], np.float32).reshape(1, 4)
    center, half = np.asarray(meta['box_center'], np.float32), np.float32(meta['box_scale'] / 2)
    return np.concatenate([center - half, center + half])[None]
