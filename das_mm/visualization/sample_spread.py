"""Many poses of one person, thin and one over another: where they lie apart, the model does not know."""

from __future__ import annotations

import cv2
import numpy as np

from . import canvas
from .palette import RGB, bgr, shade
from .skeletons import KeypointSet, Skeleton, skeleton_of

#: lightness of the sides, as skeletons have them
_SHADES = dict(left=1.5, middle=1.0, right=0.7)


def draw_spread(
    image_bgr: np.ndarray,
    samples_px: np.ndarray,
    keypoint_set: str | KeypointSet | Skeleton,
    color: RGB,
    opacity: float = 0.6,
) -> np.ndarray:
    """Skeletons of the poses of one person on a copy of an image.

    Args:
        image_bgr: (H, W, 3) uint8.
        samples_px: (S, K, 2) px.
        keypoint_set: Of the K keypoints.
        color: Of the person.
        opacity: Of all the lines together.

    Returns:
        (H, W, 3) uint8 BGR.

    Raises:
        ValueError: The poses have another number of keypoints than the set.
    """
    skeleton = skeleton_of(keypoint_set)
    if samples_px.ndim != 3 or samples_px.shape[1:] != (len(skeleton.names), 2):
        raise ValueError(f'poses of {len(skeleton.names)} keypoints have the shape (S, K, 2), not {samples_px.shape}')
    layer = image_bgr.copy()
    thickness = max(1, round(canvas.diagonal_px(image_bgr) / 1200))
    for pose in samples_px:
        for link in skeleton.links:
            start, end = pose[list(link)]
            line = bgr(shade(color, _SHADES[skeleton.link_side(link)]))
            canvas.draw_segment(layer, start, end, line, thickness)
    return cv2.addWeighted(layer, opacity, image_bgr, 1 - opacity, 0)
