"""The labels of a network input (``gt_instance_labels``), drawn on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from das_mm.structures.people import People

from . import canvas
from .overlay import draw_people, enlarged
from .palette import bgr
from .skeletons import KeypointSet, Skeleton
from .targets import draw_ignored

# nearer and farther than the root: vermillion and blue of the palette
_NEAR_RGB, _FAR_RGB = (213, 94, 0), (0, 114, 178)
_FULL_COLOR_MM = 250.0


def draw_labels(
    image_bgr: np.ndarray,
    labels: Mapping[str, np.ndarray],
    keypoint_set: str | KeypointSet | Skeleton,
    *,
    focal_px: float | None = None,
    scale: float = 1.0,
) -> np.ndarray:
    """People who are learnt as skeletons of their supervised keypoints in their boxes, with the depth of the root;
    those who are ignored as hatched boxes.

    Args:
        image_bgr: (H, W, 3) uint8, the network's input.
        labels: Arrays of N people: ``bboxes``, ``keypoints``, ``keypoints_weights``, ``center_valid``,
            ``root_depths_norm`` mm/px and ``root_depths_weights``.
        focal_px: Of the network's input, where it is known; without it no depth is written.
        scale: Enlarges the picture first.

    Returns:
        (round(scale * H), round(scale * W), 3) uint8 BGR.
    """
    learnt = np.flatnonzero(np.asarray(labels['center_valid']) > 0)
    ignored = np.delete(np.asarray(labels['bboxes']), learnt, axis=0)
    image = enlarged(image_bgr, scale)
    for box in ignored:
        draw_ignored(image, scale * (box + 0.5) - 0.5)
    known = np.asarray(labels['root_depths_weights'])[learnt] > 0
    depths = np.full(len(learnt), np.nan)
    if focal_px is not None:
        depths[known] = np.asarray(labels['root_depths_norm'])[learnt][known] * focal_px
    people = People(
        keypoints_px=scale * (np.asarray(labels['keypoints'])[learnt] + 0.5) - 0.5,
        keypoints_valid=np.asarray(labels['keypoints_weights'])[learnt],
        bboxes_px=scale * (np.asarray(labels['bboxes'])[learnt] + 0.5) - 0.5,
        root_depths_mm=depths,
        track_ids=learnt,
    )
    return draw_people(image, people, keypoint_set, boxes=True)


def draw_relative_depths(picture_bgr: np.ndarray, labels: Mapping[str, np.ndarray], scale: float = 1.0) -> np.ndarray:
    """Supervised keypoints of the people who are learnt: orange nearer than the root, white as near, blue farther (in
    full colour from 250 mm); a hollow ring where the depth is not supervised.

    Args:
        picture_bgr: The input enlarged by ``scale``, perhaps drawn on before.
        labels: As of :func:`draw_labels`, and ``relative_depths_mm``, ``relative_depths_weights`` (N, K).

    Returns:
        A new picture of that size.
    """
    picture = picture_bgr.copy()
    radius = max(2.5, canvas.diagonal_px(picture) / 260)
    for n in np.flatnonzero(np.asarray(labels['center_valid']) > 0):
        for k in np.flatnonzero(np.asarray(labels['keypoints_weights'][n]) > 0):
            place = scale * (np.asarray(labels['keypoints'][n, k]) + 0.5) - 0.5
            canvas.draw_disc(picture, place, radius + 1, (20, 20, 20))
            if labels['relative_depths_weights'][n, k] > 0:
                canvas.draw_disc(picture, place, radius, bgr(depth_color(float(labels['relative_depths_mm'][n, k]))))
            else:
                canvas.draw_disc(picture, place, radius, (255, 255, 255), thickness=1)
    return picture


def depth_color(relative_mm: float) -> tuple[int, int, int]:
    """(r, g, b) of a depth relative to the root."""
    share = min(1.0, abs(relative_mm) / _FULL_COLOR_MM)
    end = _NEAR_RGB if relative_mm < 0 else _FAR_RGB
    red, green, blue = (round(255 + share * (part - 255)) for part in end)
    return red, green, blue
