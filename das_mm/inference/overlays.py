"""What is drawn on an image: surfaces where the model tells them, skeletons elsewhere, labels, trails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from das_mm.bodies.posable_body import PosableBody
from das_mm.errors import UserError
from das_mm.structures.arrays import to_numpy
from das_mm.visualization import People, draw_meshes, draw_people
from das_mm.visualization.palette import person_color
from das_mm.visualization.sample_spread import draw_spread
from das_mm.visualization.skeleton_marks import Strokes
from das_mm.visualization.tracks import Trails, draw_tracks, draw_trails

from .body_surfaces import mesh_vertices
from .pose_samples import SAMPLES
from .results import people_of
from .sources import Frame, Source


@dataclass(frozen=True)
class OverlayOptions:
    """
    Attributes:
        draw_bbox: Boxes.
        draw_sigmas: Ellipses of one standard error about keypoints.
        draw_meshes: Surfaces, in place of skeletons, of a model that tells them.
        kpt_thr: Leave out keypoints of a lower score.
        thickness: Of limbs, px; None: it grows with the person.
        radius: Of joints, px; None: by the thickness.

    Raises:
        UserError: Nothing so thin can be drawn.
    """

    draw_bbox: bool = False
    draw_sigmas: bool = False
    draw_meshes: bool = True
    kpt_thr: float = 0.0
    thickness: float | None = None
    radius: float | None = None

    def __post_init__(self) -> None:
        for name in ('thickness', 'radius'):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UserError(f'{value} px cannot be drawn', field=name, remedy='give more than 0, or leave it out')


class OverlayPainter:
    """Draws frame after frame.

    Args:
        keypoint_set: Of the results.
        options: What to draw.
        body: Of a model of meshes.
        tracked: People of videos are followed: they get the colours of their identities, their numbers and trails, and
            who has no identity is left out.
    """

    def __init__(
        self, keypoint_set: str, options: OverlayOptions, body: PosableBody | None = None, tracked: bool = False
    ):
        self.keypoint_set, self.options, self.tracked = keypoint_set, options, tracked
        self.body = body if options.draw_meshes else None
        self._source: Source | None = None
        self._trails = Trails()

    def draw(self, frame: Frame, result: Mapping[str, Any], vertices_mm: np.ndarray | None = None) -> np.ndarray:
        """The overlay (H, W, 3) uint8 BGR.

        Args:
            frame: The image; frames of a video in their order.
            result: What was found in it.
            vertices_mm: (n, V, 3) surfaces, where they have been computed.
        """
        people, image = people_of(result).with_keypoints_above(self.options.kpt_thr), frame.image
        tracked = self.tracked and frame.index is not None
        if tracked:
            image = image.copy()
            self._draw_trails(image, frame, result, people)
        if self.body is not None and len(people):
            if vertices_mm is None:
                vertices_mm = mesh_vertices(result, self.body)
            shown = people.identities >= 0 if tracked else np.ones(len(people), dtype=bool)
            people, vertices_mm = people.select(shown), vertices_mm[shown]
            image = self._draw_meshes(image, result['camera'], people, vertices_mm, self.body)
            people = _without_skeletons(people, np.isfinite(vertices_mm).all((1, 2)))
        image = self._draw_spread(image, result)
        draw, options = draw_tracks if tracked else draw_people, self.options
        strokes = Strokes(options.thickness, options.radius)
        return draw(
            image, people, self.keypoint_set, boxes=options.draw_bbox, sigmas=options.draw_sigmas, strokes=strokes
        )

    def _draw_meshes(
        self, image: np.ndarray, camera: Mapping[str, Any], people: People, vertices_mm: np.ndarray, body: PosableBody
    ) -> np.ndarray:
        dist = None if camera['dist'] is None else np.array(camera['dist'])
        return draw_meshes(
            image, vertices_mm, to_numpy(body.faces), np.array(camera['K']), dist, identities=people.identities
        )

    def _draw_spread(self, image: np.ndarray, result: Mapping[str, Any]) -> np.ndarray:
        """A thin skeleton for each pose that was drawn of a person."""
        for row, person in enumerate(result['people']):
            if person.get(SAMPLES) is not None:
                identity = person.get('track_id')
                color = person_color(row if identity is None else identity)
                image = draw_spread(image, np.array(person[SAMPLES]), self.keypoint_set, color)
        return image

    def _draw_trails(self, image: np.ndarray, frame: Frame, result: Mapping[str, Any], people: People) -> None:
        """In place."""
        if frame.source is not self._source:
            self._source = frame.source
            self._trails.reset()
        roots_px = np.reshape([person['root_px'] for person in result['people']], (-1, 2))
        self._trails.add(people.identities, roots_px)
        draw_trails(image, self._trails)


def _without_skeletons(people: People, rows: np.ndarray) -> People:
    """No keypoints of the people of some rows, a mask; their labels stand by their boxes then."""
    return replace(people, keypoints_valid=people.shown_px & ~rows[:, None])
