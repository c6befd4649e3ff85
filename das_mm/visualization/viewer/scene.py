"""What the viewer shows of one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from das_mm.structures.people import People
from das_mm.structures.world_frame import WorldFrame

CAMERA_SOURCES = {
    'annotation': 'intrinsics given with the data',
    'user': 'intrinsics given by the user',
    'exif': 'focal length from the EXIF data of the photograph',
    'fov': 'field of view given by the user',
    'default_fov': 'intrinsics unknown: default field of view assumed, so depths and sizes may be off by one factor',
}


@dataclass(frozen=True)
class Scene:
    """One image (or frame) for the viewer.

    Attributes:
        title: Name in the list, such as the file name.
        people: Found people, with ``keypoints_cam_mm`` (and ``keypoints_px`` for the thumbnail).
        image_size: (width, height) of the original image in px.
        K: (3, 3) intrinsics of the original image used for ``people``; no frustum is drawn without.
        camera_source: Where K is from: a key of ``CAMERA_SOURCES``, or the words to be shown.
        image_bgr: (H, W, 3) uint8, shown small beside the scene and as a plane in it.
        truth: True people, drawn as white dashes.
        world: Of a camera that stands still: its floor is drawn in place of one guessed from the people's feet.
        body_keypoints_cam_mm: (N, K, 3) the keypoints of the found people's bodies (of ``vertices_cam_mm``), camera
            frame; NaN for who has none. Where they are known the skeleton drawn inside a body is that of the body, not
            the one of ``people``, which another branch of a network may have told and which then lies elsewhere.
        time_s: Of a frame of a clip; frames are a constant time apart where it is not known.
    """

    title: str
    people: People
    image_size: tuple[int, int]
    K: np.ndarray | None = None
    camera_source: str = 'default_fov'
    image_bgr: np.ndarray | None = None
    truth: People | None = None
    world: WorldFrame | None = None
    body_keypoints_cam_mm: np.ndarray | None = None
    time_s: float | None = None

    @property
    def camera_words(self) -> str:
        """Where the intrinsics are from, and what they are."""
        text = CAMERA_SOURCES.get(self.camera_source, self.camera_source)
        if self.K is None:
            return f'{text}; no intrinsics'
        width, height = self.image_size
        field_x, field_y = (
            np.degrees(2 * np.arctan(side / (2 * focal)))
            for side, focal in ((width, self.K[0][0]), (height, self.K[1][1]))
        )
        return (
            f'{text}. Focal length {self.K[0][0]:.0f} × {self.K[1][1]:.0f} px, '
            f'field of view {field_x:.0f}° × {field_y:.0f}°, image {width} × {height} px'
        )
