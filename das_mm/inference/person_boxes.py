"""Where the people are whose crops an estimator reads: a model finds them, a file says so, or it is the whole image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from das_mm.structures.detected_keypoints import DetectedKeypoints
from das_mm.structures.people import People

from .predictor import InputImage, Predictor

#: how boxes are named: the word 'das' or 'image', or the path of a file of boxes or of a model's weights
Boxes: TypeAlias = 'str | Path | BoxSource'
_LEAST_SIDE_PX = 1.0


@dataclass(frozen=True)
class FoundBoxes:
    """The boxes of one image.

    Attributes:
        xyxy_px: (n, 4) px of the image as shown, about the whole person.
        scores: (n,) in [0, 1].
        keypoints: (n,) of a source that knows them, else None.
    """

    xyxy_px: np.ndarray
    scores: np.ndarray
    keypoints: Sequence[DetectedKeypoints] | None = None

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[float]]) -> FoundBoxes:
        """Of x1, y1, x2, y2, score."""
        table = np.asarray(rows, np.float64).reshape(-1, 5)
        return cls(table[:, :4], table[:, 4].clip(0, 1))

    def sound(self, image_shape: tuple[int, ...]) -> tuple[FoundBoxes, Counter[str]]:
        """Those that show something of the image (height, width, …), and how many do not, by reason."""
        height, width = image_shape[:2]
        finite = np.isfinite(self.xyxy_px).all(axis=1) & np.isfinite(self.scores)
        low, high = self.xyxy_px[:, :2], self.xyxy_px[:, 2:]
        with np.errstate(invalid='ignore'):  # of those that are not finite
            large = (high - low >= _LEAST_SIDE_PX).all(axis=1)
            inside = ((low < [width - 1, height - 1]) & (high > 0)).all(axis=1)
        reasons = Counter(
            {
                'not finite': int((~finite).sum()),
                'without area': int((finite & ~large).sum()),
                'outside the image': int((finite & large & ~inside).sum()),
            }
        )
        kept = finite & large & inside
        keypoints = self.keypoints
        if keypoints is not None:
            keypoints = [keypoints[row] for row in np.flatnonzero(kept)]
        return FoundBoxes(self.xyxy_px[kept], self.scores[kept], keypoints), +reasons


class BoxSource(Protocol):
    """Says where people are.

    Attributes:
        words: What it is, for results.
    """

    words: str

    def prepare(self, image: InputImage) -> Any:
        """What :meth:`find` wants of an image."""

    def find(self, prepared: Sequence[Any]) -> list[FoundBoxes]:
        """The boxes of a batch of images, best first; they may be degenerate."""
        ...

    def forget(self) -> None:
        """Another video begins."""


class WholeImage:
    """One person fills the image."""

    words = 'the whole image'

    def prepare(self, image: InputImage) -> InputImage:
        return image

    def find(self, prepared: Sequence[InputImage]) -> list[FoundBoxes]:
        sizes = (image.pixels.shape[1::-1] for image in prepared)
        return [FoundBoxes.of_rows([[0, 0, width - 1, height - 1, 1]]) for width, height in sizes]

    def forget(self) -> None: ...


class DetectedPeople:
    """People that a model finds, such as the package's DAS, whose boxes go about keypoints.

    Args:
        open_model: Gives the predictor, whose own threshold holds; it is asked when the first image comes.
        words: What it is, for results.
        with_keypoints: Tell its keypoints too, with the scales of their errors where it knows them.
    """

    def __init__(self, open_model: Callable[[], Predictor], words: str, with_keypoints: bool = False):
        self._open_model, self.words, self.with_keypoints = open_model, words, with_keypoints
        self._model: Predictor | None = None

    def telling_keypoints(self) -> DetectedPeople:
        """The same, with keypoints."""
        return DetectedPeople(lambda: self.model, self.words, with_keypoints=True)

    @property
    def model(self) -> Predictor:
        if self._model is None:
            self._model = self._open_model()
        return self._model

    def prepare(self, image: InputImage) -> Any:
        return self.model.prepare(image)

    def find(self, prepared: Sequence[Any]) -> list[FoundBoxes]:
        found = []
        for prediction in self.model.predict(prepared, with_sigma=None if self.with_keypoints else False):
            people = prediction.people
            if not len(people):
                found.append(FoundBoxes.of_rows([]))
                continue
            boxes = FoundBoxes(np.asarray(people.bboxes_px, np.float64), np.asarray(people.scores, np.float64))
            found.append(replace(boxes, keypoints=self._keypoints(people)) if self.with_keypoints else boxes)
        return found

    def _keypoints(self, people: People) -> list[DetectedKeypoints]:
        if people.keypoints_sigma is None:
            scores = (
                np.ones(people.keypoints_px.shape[:2]) if people.keypoint_scores is None else people.keypoint_scores
            )
            rows = zip(people.keypoints_px, scores, [None] * len(people))
        else:  # the scales say it all
            rows = zip(people.keypoints_px, np.ones(people.keypoints_px.shape[:2]), people.keypoints_sigma[..., :2])
        return [DetectedKeypoints.of_numbers(self.model.keypoint_set, *row) for row in rows]

    def forget(self) -> None:
        if self._model is not None:
            self._model.forget()
