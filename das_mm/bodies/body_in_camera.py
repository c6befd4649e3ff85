"""Bodies as a mesh branch tells them, in the frame of the network input, placed in the camera of the original image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from das_mm.structures import (
    back_project,
    focal_px,
    invert_warp,
    transform_camera,
    warp_points,
    warp_scale,
    weak_perspective_depth,
)
from das_mm.structures.rotations import matrix_to_axis_angle

from .posable_body import PosableBody, body_roots_mm


def place_bodies(
    fields: Mapping[str, np.ndarray],
    pose: Mapping[str, np.ndarray],
    camera: Mapping[str, Any],
    warp_mat: np.ndarray,
    body: PosableBody,
    root: Sequence[str],
    placement: str = 'root',
) -> dict[str, np.ndarray]:
    """The fields :data:`.SMPL_FIELDS` of n bodies.

    Args:
        fields: ``smpl_matrices`` (n, 24, 3, 3), ``smpl_betas`` (n, B), ``smpl_scale`` (n,) px a metre and
            ``smpl_root_px`` (n, 2), in the network input; others stay.
        pose: ``roots_px`` (n, 2) and ``root_depths_mm`` (n,) of the same people in the original image.
        camera: ``K`` and ``dist`` of the original image.
        warp_mat: (2, 3) original image px to network input px.
        body: The body.
        root: Keypoints of it whose mean is the root.
        placement: 'root': the mesh's root lies on the root of the pose. 'camera': at f / s, by its own camera.
    """
    fields = dict(fields)
    K, warp = np.asarray(camera['K'], np.float64), np.asarray(warp_mat, np.float64)
    matrices = fields.pop('smpl_matrices').astype(np.float64)
    _, turn = transform_camera(K, warp)  # input camera = turn · original camera
    matrices[:, 0] = turn.T @ matrices[:, 0]
    axis_angle = matrix_to_axis_angle(matrices)
    own_root_mm = body_roots_mm(body, root, axis_angle, fields['smpl_betas'])
    scale, root_px = fields.pop('smpl_scale'), fields.pop('smpl_root_px')
    if placement == 'camera':
        root_px = warp_points(root_px.astype(np.float64), invert_warp(warp))
        depth_mm = 1000 * weak_perspective_depth(scale, warp_scale(warp) * focal_px(K))
    else:
        root_px, depth_mm = np.asarray(pose['roots_px']), np.asarray(pose['root_depths_mm'])
    root_mm = back_project(root_px.astype(np.float64), depth_mm.astype(np.float64), K, camera.get('dist'))
    fields.update(
        smpl_global_orient=axis_angle[:, 0].astype(np.float32),
        smpl_body_pose=axis_angle[:, 1:].astype(np.float32),
        smpl_root_mm=own_root_mm.astype(np.float32),
        smpl_transl_mm=(root_mm - own_root_mm).astype(np.float32),
    )
    return fields
