"""People as a network sees them, in px of its input, carried back into the original image and its camera.

Numpy only: the estimators do it behind their heads, inference with an exported graph without torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .camera_space import to_camera_space
from .cameras import DEFAULT_FOV_DEG, default_intrinsics, warp_scale


def known_camera(
    camera: Mapping[str, Any] | None, image_shape: tuple[int, ...], fov_deg: float | None = None
) -> dict[str, Any]:
    """The camera of an image, or a stated assumption where nobody knows its intrinsics.

    Args:
        camera: ``K`` (3, 3) or None, ``dist``, ``source``; may be empty or None.
        image_shape: (height, width, …) of the original image.
        fov_deg: Field of view along the longer side that is assumed.

    Returns:
        A copy with ``K``; with ``source`` 'default_fov' and ``fov_deg`` where it is assumed.
    """
    camera = dict(camera or {})
    if camera.get('K') is None:
        fov_deg = DEFAULT_FOV_DEG if fov_deg is None else fov_deg
        camera.update(
            K=default_intrinsics(image_shape[1], image_shape[0], fov_deg), source='default_fov', fov_deg=fov_deg
        )
    return camera


def poses_in_image(
    fields: dict[str, np.ndarray], camera: Mapping[str, Any], warp_mat: np.ndarray, image_shape: tuple[int, ...]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Poses of n people with K keypoints in px of the original image and in its camera space.

    Args:
        fields: What ``DASHead.predict`` gives of one image, as float32 arrays: ``scores`` (n,), ``roots_px`` (n, 2),
            ``root_depths_norm`` (n,) mm per px of focal length, ``keypoints_px`` (n, K, 2), ``relative_depths_mm``
            (n, K), perhaps ``keypoints_sigma`` (n, K, D) and ``keypoint_scores`` (n, K), and fields of tasks.
        camera: ``K`` (3, 3) and ``dist`` of the original image.
        warp_mat: (2, 3) original image px to network input px, a similarity.
        image_shape: (height, width, …) of the original image.

    Returns:
        The pose by the names of ``pred_instances`` (see :meth:`das_mm.models.pose_estimators.DAS.predict`), and what
        ``fields`` had beside it.
    """
    rest = dict(fields)
    warp = np.asarray(warp_mat, dtype=np.float64)
    # a similarity: its scale is what the focal length was multiplied by on the way in
    scale = warp_scale(warp)
    keypoints, roots = (_unwarp(rest.pop(name), warp) for name in ('keypoints_px', 'roots_px'))
    depths_norm, relative_mm = rest.pop('root_depths_norm') * scale, rest.pop('relative_depths_mm')
    keypoints_3d, root_depths_mm = to_camera_space(keypoints, depths_norm, relative_mm, camera['K'], camera.get('dist'))
    scores, keypoint_scores = rest.pop('scores'), rest.pop('keypoint_scores', None)
    if (
        keypoint_scores is None
    ):  # without sigma nothing is known of a single keypoint: the person speaks for all of them
        keypoint_scores = np.repeat(scores[:, None], keypoints.shape[1], axis=1)
    pose = dict(
        keypoints=keypoints.astype(np.float32),
        keypoints_3d=keypoints_3d.astype(np.float32),
        keypoint_scores=keypoint_scores,
        scores=scores,
        bbox_scores=scores,
        bboxes=_boxes_around(keypoints, image_shape),
        roots_px=roots.astype(np.float32),
        root_depths_mm=root_depths_mm.astype(np.float32),
        root_depths_norm=depths_norm,
        relative_depths_mm=relative_mm,
    )
    if 'keypoints_sigma' in rest:
        sigma = np.array(rest.pop('keypoints_sigma'))
        sigma[..., :2] /= scale
        pose['keypoints_sigma'] = sigma
    return pose, rest


# a body reaches beyond its joints: share of the longer side of the box around them. With this margin boxes agree best
# with those that people drew in COCO's photographs
_BODY_MARGIN = 0.125


def _unwarp(points_px: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """(..., 2) points of the network input back in the original image."""
    inverse = np.linalg.inv(warp[:, :2])
    return (points_px - warp[:, 2]) @ inverse.T


def _boxes_around(keypoints_px: np.ndarray, image_shape: tuple[int, ...]) -> np.ndarray:
    """(n, 4) xyxy boxes of people with (n, K, 2) keypoints, clipped to the image (height, width)."""
    height, width = image_shape[:2]
    low, high = keypoints_px.min(axis=1), keypoints_px.max(axis=1)
    margin = _BODY_MARGIN * (high - low).max(axis=1, keepdims=True)
    boxes = np.concatenate([low - margin, high + margin], axis=1)
    return boxes.clip(0, [width - 1, height - 1, width - 1, height - 1]).astype(np.float32)
