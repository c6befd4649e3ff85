"""What the target assigner asked of the network, drawn on the network's input."""

from __future__ import annotations

import cv2
import numpy as np

from . import canvas
from .overlay import enlarged
from .palette import bgr, person_color, shade

_IGNORE_BGR = (170, 170, 170)


def draw_targets(
    image_bgr: np.ndarray,
    points_px: np.ndarray,
    strides: np.ndarray,
    person_ids: np.ndarray,
    *,
    centerness: np.ndarray | None = None,
    roots_px: np.ndarray | None = None,
    root_depths_mm: np.ndarray | None = None,
    ignore_boxes_px: np.ndarray | None = None,
    scale: float = 1.0,
) -> np.ndarray:
    """Positive points as cells of their level's stride in the colour of the person they belong to.

    The opacity of a cell is its centerness; each root is a cross with a label that tells the levels (strides) its
    points lie on, and its depth; ignore regions are hatched grey.

    Args:
        image_bgr: (H, W, 3) uint8, the network's input.
        points_px: (P, 2) positive points, input px.
        strides: (P,) stride of each point's level, px.
        person_ids: (P,) row of the person a point is assigned to.
        centerness: (P,) in [0, 1]; 1 when not given.
        roots_px: (N, 2) root of each person, input px.
        root_depths_mm: (N,) camera depth of the roots, mm; not finite or not positive = unknown.
        ignore_boxes_px: (M, 4) x1, y1, x2, y2 where no point is asked to be background.
        scale: Enlarges the picture first.

    Returns:
        (round(scale * H), round(scale * W), 3) uint8 BGR.
    """
    image = enlarged(image_bgr, scale)
    to_picture = lambda px: scale * (np.asarray(px, float) + 0.5) - 0.5
    for box in [] if ignore_boxes_px is None else np.asarray(ignore_boxes_px):
        draw_ignored(image, to_picture(box))
    centerness = np.ones(len(points_px)) if centerness is None else np.asarray(centerness)
    # coarse cells first: they would hide the fine ones
    for i in np.argsort(-np.asarray(strides), kind='stable'):
        _draw_cell(
            image,
            to_picture(points_px[i]),
            scale * float(strides[i]),
            bgr(person_color(person_ids[i])),
            float(centerness[i]),
        )
    for row, root in enumerate([] if roots_px is None else np.asarray(roots_px)):
        levels = sorted({int(s) for s in np.asarray(strides)[np.asarray(person_ids) == row]})
        depth = np.nan if root_depths_mm is None else float(root_depths_mm[row])
        _draw_root(image, to_picture(root), row, levels, depth)
    return image


def _draw_cell(image: np.ndarray, center: np.ndarray, size: float, color: canvas.Color, opacity: float) -> None:
    corners = np.concatenate([center - size / 2, center + size / 2]) + 0.5
    x1, y1 = np.clip(np.round(corners[:2]).astype(int), 0, image.shape[1::-1])
    x2, y2 = np.clip(np.round(corners[2:]).astype(int), 0, image.shape[1::-1])
    if x1 >= x2 or y1 >= y2:
        return
    patch = image[y1:y2, x1:x2]
    patch[:] = np.round((1 - 0.7 * opacity) * patch + 0.7 * opacity * np.asarray(color)).astype(np.uint8)
    cv2.rectangle(image, (int(x1), int(y1)), (int(x2) - 1, int(y2) - 1), color, 1)
    canvas.draw_disc(image, center, max(1.0, size / 10), color)


def draw_ignored(image: np.ndarray, box: np.ndarray) -> None:
    """Hatches x1, y1, x2, y2 px of the picture grey, in place."""
    if not np.isfinite(box).all():
        return
    canvas.draw_box(image, box, _IGNORE_BGR, 1)
    x1, y1, x2, y2 = np.clip(box, -1, [image.shape[1], image.shape[0]] * 2)
    # lines x + y = c at 45°, cut off at the box
    for c in np.arange(x1 + y1, x2 + y2, 10.0):
        start = (min(x2, c - y1), max(y1, c - x2))
        end = (max(x1, c - y2), min(y2, c - x1))
        canvas.draw_segment(image, np.array(start), np.array(end), _IGNORE_BGR, 1)


def _draw_root(image: np.ndarray, root: np.ndarray, row: int, levels: list[int], depth_mm: float) -> None:
    if not np.isfinite(root).all() or not canvas.touches(image, root):
        return
    arm = max(4.0, canvas.diagonal_px(image) / 120)
    for width, color in ((3, (20, 20, 20)), (1, (255, 255, 255))):
        canvas.draw_segment(image, root - [arm, 0], root + [arm, 0], color, width)
        canvas.draw_segment(image, root - [0, arm], root + [0, arm], color, width)
    parts = [f'person {row + 1}', f'stride {"+".join(map(str, levels))}' if levels else 'no point']
    if np.isfinite(depth_mm) and depth_mm > 0:
        parts.append(f'{depth_mm / 1000:.2f} m')
    size = int(np.clip(canvas.diagonal_px(image) / 65, 9, 30))
    canvas.draw_text(
        image,
        ', '.join(parts),
        (round(root[0] + arm), round(root[1] + arm)),
        size,
        background=bgr(shade(person_color(row), 0.5)),
    )
