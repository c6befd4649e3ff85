"""People drawn on their image: skeletons, boxes, masks, uncertainty, labels; ground truth below the prediction.

A person's colour is that of the identity (``palette.PERSON_COLORS``). Limbs of the person's own left are lighter and
their joints have a white core, those of the right are darker with a black core.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from das_mm.errors import UserError
from das_mm.structures.people import People

from . import canvas
from .palette import bgr, person_color
from .skeleton_marks import GROWING_STROKES, Strokes, draw_skeleton, draw_true_skeleton, person_extent
from .skeletons import KeypointSet, Skeleton, skeleton_of
from .tags import Box, draw_tag, tag_text_px

_STRIP_BGR = (32, 28, 26)


def draw_people(
    image_bgr: np.ndarray,
    people: People,
    keypoint_set: str | KeypointSet | Skeleton,
    *,
    truth: People | None = None,
    scale: float = 1.0,
    labels: bool = True,
    boxes: bool = False,
    sigmas: bool = False,
    mask_opacity: float = 0.35,
    strokes: Strokes = GROWING_STROKES,
) -> np.ndarray:
    """Draw people on a copy of an image.

    Args:
        image_bgr: (H, W, 3) uint8.
        people: Whom to draw; masks are drawn where they are given.
        keypoint_set: Name of a keypoint set (or the set itself), for links and sides.
        truth: Ground truth, drawn below as thin white dashes.
        scale: Enlarges the picture before drawing, so that small images stay readable.
        labels: Write score and root depth beside each person.
        boxes: Draw ``people.bboxes_px``.
        sigmas: Draw an ellipse of one standard error (σx, σy) about each keypoint.
        mask_opacity: Tint of the masks, 0 for none.
        strokes: Sizes of limbs and joints.

    Returns:
        (round(scale * H), round(scale * W), 3) uint8 BGR.

    Raises:
        UserError: Not an 8-bit colour image, or an unknown keypoint set.
        ValueError: The people have another number of keypoints than the set.

    Example:
        >>> people = People(keypoints_px=np.random.rand(2, 15, 2) * 100, scores=[0.9, 0.4])
        >>> draw_people(np.zeros((120, 160, 3), np.uint8), people, 'panoptic15', scale=2).shape
        (240, 320, 3)
    """
    skeleton = skeleton_of(keypoint_set)
    image = enlarged(image_bgr, scale)
    if truth is not None:
        truth = _scaled(truth, scale)
        for row in range(len(truth)):
            draw_true_skeleton(image, truth, row, skeleton, strokes)
    people = _scaled(people, scale)
    order = _far_to_near(people)
    if people.masks is not None and mask_opacity > 0:
        for row in order:
            _draw_mask(image, people.masks[row], bgr(person_color(people.identities[row])), mask_opacity)
    for row in order:
        color = person_color(people.identities[row])
        if boxes and people.bboxes_px is not None and np.isfinite(people.bboxes_px[row]).all():
            canvas.draw_box(image, people.bboxes_px[row], bgr(color), strokes.limb_px(image, people, row) // 2 + 1)
        if sigmas and people.keypoints_sigma is not None:
            _draw_sigmas(image, people, row, bgr(color))
        draw_skeleton(image, people, row, skeleton, strokes)
    if labels:
        taken: list[Box] = []
        for row in reversed(order):  # the nearest person chooses the place of the label first
            _draw_label(image, people, row, taken, strokes)
    return image


def draw_ground_truth_and_prediction(
    image_bgr: np.ndarray,
    truth: People,
    predicted: People,
    keypoint_set: str | KeypointSet | Skeleton,
    *,
    scale: float = 1.0,
    boxes: bool = False,
    sigmas: bool = False,
) -> np.ndarray:
    """The prediction over the ground truth, with a strip below that explains the marks and counts the people.

    Arguments as in :func:`draw_people`; the result is as wide and a little higher.
    """
    picture = draw_people(image_bgr, predicted, keypoint_set, truth=truth, scale=scale, boxes=boxes, sigmas=sigmas)
    found = f'{len(predicted)} predicted' if len(predicted) else 'nobody found'
    text = f'{found} (solid; light = left, dark = right), {len(truth)} true (white dashes)'
    size = tag_text_px(picture)
    while size > 8 and canvas.text_size(text, size)[0] > picture.shape[1]:
        size -= 1
    strip = np.empty((canvas.text_size(text, size)[1] + 4, picture.shape[1], 3), np.uint8)
    strip[:] = _STRIP_BGR
    canvas.draw_text(strip, text, (2, 2), size, background=None)
    return np.concatenate([picture, strip])


def enlarged(image_bgr: np.ndarray, scale: float) -> np.ndarray:
    if image_bgr.ndim != 3 or image_bgr.shape[2] != 3 or image_bgr.dtype != np.uint8:
        raise UserError(
            f'an image of shape {image_bgr.shape} and type {image_bgr.dtype} cannot be drawn on',
            field='image_bgr',
            remedy='give (height, width, 3) uint8 in BGR order',
        )
    if scale == 1:
        return np.ascontiguousarray(image_bgr).copy()
    size = tuple(max(1, round(side * scale)) for side in image_bgr.shape[1::-1])
    return cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _scaled(people: People, scale: float) -> People:
    """The same people on an image enlarged by ``scale``: pixel centres map as x' = s (x + 0.5) - 0.5."""
    if scale == 1:
        return people
    resize = lambda px: None if px is None else scale * (px + 0.5) - 0.5
    sigma, masks = people.keypoints_sigma, people.masks
    if sigma is not None:
        sigma = sigma * np.array([scale, scale, 1.0])[: sigma.shape[-1]]
    if masks is not None:
        size = tuple(max(1, round(side * scale)) for side in masks.shape[:0:-1])
        masks = np.array([cv2.resize(mask.astype(np.uint8), size) > 0 for mask in masks]).reshape(-1, *size[::-1])
    return replace(
        people,
        keypoints_px=resize(people.keypoints_px),
        keypoints_sigma=sigma,
        bboxes_px=resize(people.bboxes_px),
        masks=masks,
    )


def _far_to_near(people: People) -> list[int]:
    if people.root_depths_mm is None:
        return list(range(len(people)))
    depths = np.nan_to_num(people.root_depths_mm, nan=np.inf, posinf=np.inf)
    return list(np.argsort(-depths, kind='stable'))


def _draw_sigmas(image: np.ndarray, people: People, row: int, color: canvas.Color) -> None:
    layer = image.copy()
    for k in np.flatnonzero(people.shown_px[row]):
        canvas.draw_ellipse(layer, people.keypoints_px[row, k], people.keypoints_sigma[row, k, :2], color, -1)
    cv2.addWeighted(layer, 0.4, image, 0.6, 0, dst=image)
    for k in np.flatnonzero(people.shown_px[row]):
        canvas.draw_ellipse(image, people.keypoints_px[row, k], people.keypoints_sigma[row, k, :2], color, 1)


def _draw_mask(image: np.ndarray, mask: np.ndarray, color: canvas.Color, opacity: float) -> None:
    mask = np.asarray(mask) > 0
    canvas.blend_mask(image, mask, color, opacity)
    outline, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, outline, -1, color, 1, cv2.LINE_AA)


def _draw_label(image: np.ndarray, people: People, row: int, taken: list[Box], strokes: Strokes) -> None:
    """Score and root depth above the head, or at the next free side of the person; none for people out of view."""
    text = _label(people, row)
    extent = person_extent(people, row)
    if not text or extent is None or not _in_view(image, people, row):
        return
    draw_tag(image, text, extent, people.identities[row], 2.0 * strokes.limb_px(image, people, row) + 2, taken)


def _label(people: People, row: int) -> str:
    parts = []
    if people.scores is not None and np.isfinite(people.scores[row]):
        parts.append(f'{people.scores[row]:.2f}')
    if people.root_depths_mm is not None and np.isfinite(people.root_depths_mm[row]):
        parts.append(f'{people.root_depths_mm[row] / 1000:.2f} m')
    return '  '.join(parts)


def _in_view(image: np.ndarray, people: People, row: int) -> bool:
    if people.keypoints_px is None or not people.shown_px[row].any():
        x1, y1, x2, y2 = people.bboxes_px[row]
        return bool(x2 > 0 and y2 > 0 and x1 < image.shape[1] and y1 < image.shape[0])
    return any(canvas.touches(image, point) for point in people.keypoints_px[row][people.shown_px[row]])
