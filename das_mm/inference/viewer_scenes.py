"""What is kept of a run for its viewer: small pictures and results, as bytes; scenes are made when it is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from das_mm.bodies.posable_body import PosableBody
from das_mm.structures.world_frame import WorldFrame
from das_mm.visualization import Scene

from .body_surfaces import mesh_vertices_and_keypoints
from .result_files import result_text
from .results import people_of
from .sources import Frame

THUMBNAIL_PX = 640
_JPEG_QUALITY = 92
_CAMERA_WORDS = dict(fov='field of view given by the user')  # what the viewer has no words for


@dataclass
class EvenSample:
    """Of a stream of unknown length at most ``limit`` items, evenly spread from its first on."""

    limit: int
    step: int = 1
    count: int = 0
    items: list = field(default_factory=list)

    def add(self, make: Callable[[], Any]) -> None:
        """Count an item, and make and keep it if its turn has come."""
        if self.count % self.step == 0:
            self.items.append(make())
            if len(self.items) > self.limit:
                self.items, self.step = self.items[::2], self.step * 2
        self.count += 1


@dataclass(frozen=True)
class KeptScene:
    """A frame and its result in some 50 kB."""

    title: str
    size: tuple[int, int]
    jpeg: bytes
    text: str

    @classmethod
    def of(cls, frame: Frame, result: Mapping[str, Any]) -> KeptScene:
        height, width = frame.image.shape[:2]
        scale = min(1.0, THUMBNAIL_PX / max(height, width))
        small = tuple(max(1, round(side * scale)) for side in (width, height))
        image = cv2.resize(frame.image, small, interpolation=cv2.INTER_AREA) if scale < 1 else frame.image
        _, jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        title = frame.source.name if frame.index is None else f'frame {frame.index} ({frame.time_s:.2f} s)'
        return cls(title, (width, height), jpeg.tobytes(), result_text(result))


@dataclass(frozen=True)
class Scenes(Sequence):
    """Scenes for the viewer, each made when it is asked for and not kept.

    Attributes:
        kept: What they are made of.
        body: Adds the surfaces.
        world: Of all of them, of a camera that stands still.
    """

    kept: Sequence[KeptScene]
    body: PosableBody | None = None
    world: WorldFrame | None = None

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, index: int) -> Scene:
        one = self.kept[index]
        result = json.loads(one.text)
        people, source = people_of(result), result['camera']['source']
        body_keypoints = None
        if self.body is not None and len(people):
            vertices, body_keypoints = mesh_vertices_and_keypoints(result, self.body)
            people = replace(people, vertices_cam_mm=vertices)
        image = cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), cv2.IMREAD_COLOR)
        K = np.array(result['camera']['K'])
        return Scene(
            one.title,
            people,
            one.size,
            K,
            _CAMERA_WORDS.get(source, source),
            image,
            world=self.world or (WorldFrame.from_words(result['world']) if 'world' in result else None),
            body_keypoints_cam_mm=body_keypoints,
            time_s=result['image']['time_s'],
        )

    def __iter__(self) -> Iterator[Scene]:
        return (self[index] for index in range(len(self)))
