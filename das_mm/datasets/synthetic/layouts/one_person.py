"""For data sets of one person an image: who is meant, and images as a camera that stays takes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from das_mm.errors import UserError

from .base import PersonGroundTruth, SceneGroundTruth

_JPEG_QUALITY = 95
_Slot = TypeVar('_Slot')


@dataclass(frozen=True)
class Sighting:
    """The person who is followed, in one scene."""

    scene: SceneGroundTruth
    person: PersonGroundTruth


def follow(scenes: Sequence[SceneGroundTruth]) -> list[list[Sighting]]:
    """One list a clip (scenes of one ``seq``): the person seen in most of its frames, then the largest.

    Frames without that person are left out.

    Raises:
        UserError: Nobody is in any scene.
    """
    clips: dict[str, list[SceneGroundTruth]] = {}
    for scene in scenes:
        clips.setdefault(scene.seq, []).append(scene)
    followed = [sightings for clip in clips.values() if (sightings := _follow_clip(clip))]
    if not followed:
        raise UserError('there is nobody in any of the images', field='--people', remedy='ask for at least 1 person')
    return followed


def largest(scene: SceneGroundTruth) -> Sighting | None:
    """The person of whom most is seen; None where nobody is."""
    person = max(scene.people, key=lambda person: person.area_px, default=None)
    return None if person is None else Sighting(scene, person)


def deal(clips: Sequence[list[Sighting]], slots: Sequence[_Slot]) -> Iterator[tuple[_Slot, list[Sighting]]]:
    """The places of a data set in turn, each with its clips one after another."""
    for number, slot in enumerate(slots[: len(clips)]):
        yield slot, [sighting for clip in clips[number :: len(slots)] for sighting in clip]


def retake(
    scene: SceneGroundTruth, K: np.ndarray, distort: Callable[[np.ndarray], np.ndarray] | None = None
) -> np.ndarray:
    """The scene's image as a camera of the same size with K (3, 3) in the same place takes it; black beyond it.

    Args:
        distort: The lens, normalised coordinates (*, 2) to those that are seen; none by default.
    """
    columns, rows = np.meshgrid(np.arange(scene.width), np.arange(scene.height))
    seen = (np.stack([columns, rows], -1) - K[:2, 2]) / K[[0, 1], [0, 1]]  # (H, W, 2)
    true = seen.copy()
    if distort is not None:
        for _ in range(30):
            true -= distort(true) - seen
    source = (true * scene.K[[0, 1], [0, 1]] + scene.K[:2, 2]).astype(np.float32)
    return cv2.remap(scene.image(), source[..., 0], source[..., 1], cv2.INTER_LINEAR)


def write_jpeg(path: Path, image: np.ndarray) -> None:
    """Writes an image (H, W, 3) BGR with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])


def _follow_clip(clip: Sequence[SceneGroundTruth]) -> list[Sighting]:
    seen: dict[int, int] = defaultdict(int)
    area: dict[int, float] = defaultdict(float)
    for scene in clip:
        for person in scene.people:
            seen[person.track_id] += person.is_valid
            area[person.track_id] += person.area_px
    if not seen:
        return []
    chosen = max(seen, key=lambda track: (seen[track], area[track]))
    return [Sighting(scene, person) for scene in clip for person in scene.people if person.track_id == chosen]
