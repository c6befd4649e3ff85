"""Bodies that a network regressed from crops of one person each, as people of the original image.

The fields are those of ``pred_instances`` of :meth:`das_mm.models.pose_estimators.DAS.predict`, so that results and
pictures take them. Letters: n people of one image, K keypoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from das_mm.structures.cameras import focal_px, project
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
    K, dist = np.asarray(camera['K'], np.float64), camera.get('dist')
    translation = np.asarray(translation_mm, np.float64)
    own_root = body_roots_mm(body, root, axis_angle, betas)
    roots, points = own_root + translation, points_mm + translation[:, None]
    fields = dict(
        keypoints=project(points, K, dist),
        keypoints_3d=points,
        roots_px=project(roots, K, dist),
        root_depths_mm=roots[:, 2],
        root_depths_norm=roots[:, 2] / focal_px(K),
        relative_depths_mm=points[..., 2] - roots[:, None, 2],
        smpl_global_orient=axis_angle[:, 0],
        smpl_body_pose=axis_angle[:, 1:],
        smpl_betas=betas,
        smpl_root_mm=own_root,
        smpl_transl_mm=translation,
    )
    return {name: np.asarray(values, np.float32) for name, values in fields.items()}
