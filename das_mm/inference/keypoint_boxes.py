"""Boxes about the people of a file of keypoints, who bring these along."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from das_mm.engine import file_sha256

from .image_table import ImageTable
from .keypoint_files import PersonKeypoints, read_keypoints
from .person_boxes import FoundBoxes
from .predictor import InputImage

# a body reaches beyond its joints: share of the longer side of the box about them
_BODY_MARGIN = 0.125


class KeypointBoxes:
    """A source of boxes (:class:`.BoxSource`) whose people are those of a file of keypoints.

    A file about one image that does not name it (OpenPose's, mmpose's) is of the image of its own name.

    Args:
        path: The file.
        keypoint_set: As of :func:`.read_keypoints`.

    Raises:
        UserError: As of :func:`.read_keypoints`.
    """

    def __init__(self, path: str | Path, keypoint_set: str | None = None) -> None:
        path = Path(path)
        people = read_keypoints(path, keypoint_set)
        self.words = f'about the keypoints of {path.name} (sha256 {file_sha256(path)[:12]})'
        self._table = ImageTable(path, ((person.image, person.frame, person) for person in people))

    def prepare(self, image: InputImage) -> InputImage:
        """The image."""
        return image

    def find(self, prepared: Sequence[InputImage]) -> list[FoundBoxes]:
        """Boxes and keypoints of images, best first."""
        return [self._of(image) for image in prepared]

    def forget(self) -> None:
        """Another video begins."""

    def _of(self, image: InputImage) -> FoundBoxes:
        people = sorted(self._table.rows_of(image), key=lambda one: -one.score)
        boxes = FoundBoxes.of_rows([[*_box(person), person.score] for person in people])
        return FoundBoxes(boxes.xyxy_px, boxes.scores, [person.keypoints for person in people])


def _box(person: PersonKeypoints) -> np.ndarray:
    box = person.keypoints.box()
    margin = _BODY_MARGIN * (box[2:] - box[:2]).max()
    return box + margin * np.array([-1, -1, 1, 1])
