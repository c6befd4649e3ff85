"""Identities over a video: people in the colour of their identity, with their number and the way they came."""

from __future__ import annotations

from collections import deque

import numpy as np

from das_mm.structures.people import People

from . import canvas
from .overlay import draw_people, enlarged
from .palette import bgr, person_color
from .skeleton_marks import person_extent
from .skeletons import KeypointSet, Skeleton
from .tags import Box, draw_tag, tag_text_px

_EDGE_BGR = (25, 25, 25)
_OPACITY = 0.9  # of the newest piece of a trail


class Trails:
    """Where identities have been in the last frames; call :meth:`add` once a frame.

    Args:
        length: Frames that a trail is kept.
    """

    def __init__(self, length: int = 30):
        self.length = length
        self.reset()

    def reset(self) -> None:
        """Before another video, and at a cut."""
        self.frame = -1
        self._paths: dict[int, deque[tuple[int, np.ndarray]]] = {}

    def add(self, track_ids: np.ndarray, places_px: np.ndarray) -> None:
        """The next frame.

        Args:
            track_ids: (n,); negative ones leave no trail.
            places_px: (n, 2), for example roots; nothing is kept of those that are not finite.
        """
        self.frame += 1
        for identity, place in zip(np.asarray(track_ids).tolist(), np.asarray(places_px, dtype=float)):
            if identity >= 0 and np.isfinite(place).all():
                self._paths.setdefault(identity, deque()).append((self.frame, place.copy()))
        for identity, path in list(self._paths.items()):
            while path and path[0][0] < self.frame - self.length:
                path.popleft()
            if not path:
                del self._paths[identity]

    def paths(self) -> dict[int, list[tuple[int, np.ndarray]]]:
        """Identity -> (how many frames ago, place (2,) px) from the oldest to the newest."""
        return {
            identity: [(self.frame - frame, place) for frame, place in path]
            for identity, path in sorted(self._paths.items())
        }


def draw_tracks(
    image_bgr: np.ndarray,
    people: People,
    keypoint_set: str | KeypointSet | Skeleton,
    trails: Trails | None = None,
    *,
    labels: bool = True,
    **options,
) -> np.ndarray:
    """Draw tracked people on a copy of a frame, over their trails.

    Args:
        image_bgr: (H, W, 3) uint8.
        people: Whom to draw; ``track_ids`` choose the colours. People without identity (-1) are left out.
        keypoint_set: Name of a keypoint set (or the set itself), for links and sides.
        trails: Ways to draw below the people; this frame should have been added.
        labels: Write the number of each identity, and the depth of the root where it is known.
        options: Of :func:`draw_people`: boxes, sigmas, mask_opacity, strokes.

    Returns:
        (H, W, 3) uint8 BGR.

    Raises:
        UserError: Not an 8-bit colour image, or an unknown keypoint set.

    Example:
        >>> trails = Trails()
        >>> for x in (20., 40.):
        ...     trails.add([3], [[x, 60.]])
        >>> people = People(keypoints_px=np.random.rand(1, 15, 2) * 100, track_ids=np.array([3]))
        >>> draw_tracks(np.zeros((120, 160, 3), np.uint8), people, 'panoptic15', trails).shape
        (120, 160, 3)
    """
    image = enlarged(image_bgr, 1)
    if trails is not None:
        draw_trails(image, trails)
    people = people.select(people.identities >= 0)
    image = draw_people(image, people, keypoint_set, labels=False, **options)
    if labels:
        _draw_numbers(image, people)
    return image


def draw_trails(image_bgr: np.ndarray, trails: Trails) -> None:
    """Draw trails in place: fading with age, dashed over frames in which the person was not found."""
    thickness = max(2, round(canvas.diagonal_px(image_bgr) / 350))
    for identity, path in trails.paths().items():
        color = bgr(person_color(identity))
        for width, ink, opacity in ((thickness + 2, _EDGE_BGR, 0.5), (thickness, color, _OPACITY)):
            _draw_path(image_bgr, path, trails.length, width, ink, opacity, dash_px=6.0 * thickness + 4)


def _draw_path(
    image: np.ndarray,
    path: list[tuple[int, np.ndarray]],
    length: int,
    thickness: int,
    color: canvas.Color,
    opacity: float,
    dash_px: float,
) -> None:
    """One trail, blended once, so that pieces do not add up where they meet."""
    points = np.array([place for _, place in path])
    height, width = image.shape[:2]
    low = np.clip(np.floor(points.min(0)) - 2 * thickness, 0, [width, height]).astype(int)
    high = np.clip(np.ceil(points.max(0)) + 2 * thickness + 1, 0, [width, height]).astype(int)
    if len(path) < 2 or (high <= low).any():
        return
    cover = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    for (older, start), (newer, end) in zip(path, path[1:]):
        grey = round(255 * opacity * (1 - newer / (length + 1)))
        strength = (grey, grey, grey)  # of which the one channel takes the first
        if older - newer > 1:
            canvas.draw_dashed(cover, start - low, end - low, strength, thickness, dash_px)
        else:
            canvas.draw_segment(cover, start - low, end - low, strength, thickness)
    patch = image[low[1] : high[1], low[0] : high[0]]
    share = cover[..., None].astype(np.float32) / 255
    patch[:] = np.round(patch * (1 - share) + np.asarray(color, np.float32) * share).astype(np.uint8)


def _draw_numbers(image: np.ndarray, people: People) -> None:
    """``#3  2.15 m`` above everybody, or at the next place that is free."""
    taken: list[Box] = []
    depths = people.root_depths_mm if people.root_depths_mm is not None else np.full(len(people), np.nan)
    for row in np.argsort(depths, kind='stable'):  # the nearest person chooses first; NaN come last
        extent = person_extent(people, row)
        if extent is None or not _touches(image, extent):
            continue
        text = f'#{people.identities[row]}' + (f'  {depths[row] / 1000:.2f} m' if np.isfinite(depths[row]) else '')
        draw_tag(image, text, extent, people.identities[row], tag_text_px(image), taken)


def _touches(image: np.ndarray, extent: np.ndarray) -> bool:
    return bool(extent[2] >= 0 and extent[3] >= 0 and extent[0] < image.shape[1] and extent[1] < image.shape[0])
