"""The body of a crop, told in pixels of the original image and in its camera (GraphCMR, SPIN, ProHMR).

Numpy only. Letters: n people (one a crop), K keypoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .cameras import focal_px, project, warp_points, warp_scale
from .crop_cameras import full_frame_translation


def place_crop_people(
    keypoints_m: np.ndarray,
    camera: np.ndarray,
    crop: Mapping[str, Any],
    image_camera: Mapping[str, Any],
    root_index: int,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Where the people of a crop stand before the camera of the whole image, and what is seen of them.

    The weak-perspective camera of the crop becomes a translation at which the body fills the same part of the box
    (:func:`.full_frame_translation`). The lens of the image is left out.

    Args:
        keypoints_m: (n, K, 3) m, in the camera frame of the crop, untranslated.
        camera: (n, 3): s, tx, ty of the crop.
        crop: Metainfo of :class:`.PackPersonInputs`: ``crop_to_image`` (2, 3) px to px, ``img_shape`` of the crop.
        image_camera: ``K`` (3, 3) of the image.
        root_index: Keypoint that is the root.

    Returns:
        Fields of ``pred_instances``: ``keypoints`` (n, K, 2) px, ``keypoints_3d`` (n, K, 3) mm, ``roots_px`` (n, 2),
        ``root_depths_mm`` (n,), ``root_depths_norm`` (n,) mm per px of focal length, ``relative_depths_mm`` (n, K),
        ``bboxes`` (n, 4) xyxy px, the square that was cut out; and the translation (n, 3) m of the body.

    Raises:
        ValueError: The crop is turned or mirrored: left and right, or up and down, are not the image's.
    """
    warp, K = np.asarray(crop['crop_to_image'], np.float64), np.asarray(image_camera['K'], np.float64)
    scale = warp_scale(warp)
    if not np.allclose(warp[:, :2], scale * np.eye(2), atol=1e-3 * scale):
        raise ValueError('people can be read from an upright crop only')
    height, width = crop['img_shape'][:2]
    middle = warp_points(np.array([[(width - 1) / 2, (height - 1) / 2]]), warp)
    side = np.full(len(camera), scale * width)
    translation = full_frame_translation(np.asarray(camera, np.float64), middle, side, K[None])
    points_mm = 1000 * (np.asarray(keypoints_m, np.float64) + translation[:, None])
    points_px = project(points_mm, K)
    root_depths = points_mm[:, root_index, 2]
    box = np.concatenate([middle - side[:, None] / 2, middle + side[:, None] / 2], axis=1)
    fields = dict(
        keypoints=points_px,
        keypoints_3d=points_mm,
        roots_px=points_px[:, root_index],
        root_depths_mm=root_depths,
        root_depths_norm=root_depths / focal_px(K),
        relative_depths_mm=points_mm[..., 2] - root_depths[:, None],
        bboxes=box,
    )
    return {name: value.astype(np.float32) for name, value in fields.items()}, translation
