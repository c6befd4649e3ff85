"""The marks of one person in a picture: limbs and joints, of the ground truth as dashes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from das_mm.structures.people import People

from . import canvas
from .palette import GROUND_TRUTH_RGB, bgr, limb_color, person_color
from .skeletons import Skeleton

_CORE_BGR = {'left': (255, 255, 255), 'middle': None, 'right': (0, 0, 0)}
_OUTLINE_BGR = (25, 25, 25)


@dataclass(frozen=True)
class Strokes:
    """Sizes of the marks in px of the picture; None: they grow with the person, within bounds set by the image.

    Attributes:
        thickness: Of limbs.
        radius: Of joints; None: by the thickness.
    """

    thickness: float | None = None
    radius: float | None = None

    def limb_px(self, image: np.ndarray, people: People, row: int) -> int:
        """Width of a person's limbs."""
        if self.thickness is not None:
            return max(1, round(self.thickness))
        diagonal = canvas.diagonal_px(image)
        extent = person_extent(people, row)
        person = 0.0 if extent is None else float(np.hypot(*(extent[2:] - extent[:2])))
        return max(1, round(float(np.clip(person * 0.011, diagonal / 800, diagonal / 180))))

    def joint_px(self, limb_px: int) -> float:
        """Radius of the joints between limbs of a width."""
        return 0.9 * limb_px + 0.8 if self.radius is None else self.radius


GROWING_STROKES = Strokes()


def person_extent(people: People, row: int) -> np.ndarray | None:
    """x1, y1, x2, y2 of the keypoints shown (of the box where there are none), ``None`` without either."""
    if people.keypoints_px is not None and people.shown_px[row].any():
        points = people.keypoints_px[row][people.shown_px[row]]
        return np.concatenate([points.min(0), points.max(0)])
    if people.bboxes_px is not None and np.isfinite(people.bboxes_px[row]).all():
        return people.bboxes_px[row].astype(float)
    return None


def draw_skeleton(image: np.ndarray, people: People, row: int, skeleton: Skeleton, strokes: Strokes) -> None:
    """Limbs and joints of a person, in place."""
    if people.keypoints_px is None:
        return
    points, shown = _pose(people, row, skeleton)
    color, thickness = person_color(people.identities[row]), strokes.limb_px(image, people, row)
    links = [link for link in skeleton.links if shown[link[0]] and shown[link[1]]]
    radius = strokes.joint_px(thickness)
    border = max(1, round(thickness * 0.3))
    for a, b in links:
        canvas.draw_segment(image, points[a], points[b], _OUTLINE_BGR, thickness + 2 * border)
    for k in np.flatnonzero(shown):
        canvas.draw_disc(image, points[k], radius + border, _OUTLINE_BGR)
    for a, b in links:
        canvas.draw_segment(image, points[a], points[b], bgr(limb_color(color, skeleton.link_side((a, b)))), thickness)
    for k in np.flatnonzero(shown):
        side = skeleton.sides[k]
        canvas.draw_disc(image, points[k], radius, bgr(limb_color(color, side)))
        if _CORE_BGR[side] is not None and thickness > 1:
            canvas.draw_disc(image, points[k], radius * 0.5, _CORE_BGR[side])


def draw_true_skeleton(image: np.ndarray, truth: People, row: int, skeleton: Skeleton, strokes: Strokes) -> None:
    """White dashes, thinner than the limbs of :func:`draw_skeleton`, in place."""
    if truth.keypoints_px is None:
        return
    points, shown = _pose(truth, row, skeleton)
    limb = strokes.limb_px(image, truth, row)
    thickness = max(1, round(limb / 3))
    links = [link for link in skeleton.links if shown[link[0]] and shown[link[1]]]
    for a, b in links:
        canvas.draw_segment(image, points[a], points[b], _OUTLINE_BGR, thickness + 2)
    for a, b in links:
        canvas.draw_dashed(image, points[a], points[b], bgr(GROUND_TRUTH_RGB), thickness, dash_px=4 + 2.0 * limb)
    for k in np.flatnonzero(shown):
        canvas.draw_disc(image, points[k], thickness + 1.2, _OUTLINE_BGR)
        canvas.draw_disc(image, points[k], thickness + 0.4, bgr(GROUND_TRUTH_RGB))


def _pose(people: People, row: int, skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (K, 2) and which of them to draw (K,) of one person."""
    points, shown = people.keypoints_px[row], people.shown_px[row]
    if len(points) != len(skeleton.names):
        raise ValueError(f'people with {len(points)} keypoints cannot be drawn with a set of {len(skeleton.names)}')
    return points, shown
