"""Whom a user asks for, in an image of many candidates: by boxes about people, or by points on them.

A candidate is as good an answer as its own score times how well it fits what was asked. The best assignment of
candidates to all that is asked in an image is taken, so two prompts never get the same person.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from scipy.optimize import linear_sum_assignment

from das_mm.engine import file_sha256
from das_mm.engine.json_files import read_json
from das_mm.errors import UserError
from das_mm.structures import get_keypoint_set
from das_mm.structures.people import People

from .image_table import ImageTable
from .person_boxes import BoxSource
from .predictor import InputImage

#: how points are given: 'x,y' or (x, y) once or several times, or the path of a file
Points: TypeAlias = 'str | Path | Sequence[str | Sequence[float]]'

# IoU counts this many times against the score: a faint candidate in the box beats a sure one of a neighbour
_IOU_POWER = 4.0
_LEAST_IOU = 0.05
# of the distance of a point from the nearest bone, over the longer side of the person's box; and the greatest
_POINT_SD, _POINT_REACH = 0.06, 0.25
_LEAST_SCORE = 1e-6
_ONLY = ': these people alone are told'
_POINT_KINDS = 'give x,y in px of the image (--points 120,80), or a file {"photo.jpg": [[x, y]]}'


class Prompts(Protocol):
    """Says who is asked for.

    Attributes:
        words: What it is, for results.
    """

    words: str

    def prepare(self, image: InputImage) -> Any:
        """What :meth:`fits` wants of an image."""

    def fits(self, prepared: Sequence[Any], people: Sequence[People]) -> list[np.ndarray]:
        """Of every image (m, n): how well each of n candidates fits each of m prompts, in [0, 1]; 0: not at all."""
        ...

    def forget(self) -> None:
        """Another video begins."""


class BoxPrompts:
    """The people in boxes.

    Args:
        boxes: Where boxes are from.
    """

    def __init__(self, boxes: BoxSource):
        self._boxes, self.words = boxes, f'{boxes.words}{_ONLY}'

    def prepare(self, image: InputImage) -> Any:
        return image.pixels.shape, self._boxes.prepare(image)

    def fits(self, prepared: Sequence[Any], people: Sequence[People]) -> list[np.ndarray]:
        found = self._boxes.find([one for _, one in prepared])
        sound = [boxes.sound(shape)[0] for boxes, (shape, _) in zip(found, prepared)]
        return [_box_fits(boxes.xyxy_px, some) for boxes, some in zip(sound, people)]

    def forget(self) -> None:
        self._boxes.forget()


class PointPrompts:
    """The people at points, which may lie anywhere on a body.

    Args:
        points: See :data:`Points`; of a video they hold for every frame.
        keypoint_set: Of the people; its bones are what points are near to.

    Raises:
        UserError: It is no point, or a file that says none.
    """

    def __init__(self, points: Points, keypoint_set: str):
        self._links = np.array(get_keypoint_set(keypoint_set).links)
        self._table: ImageTable[list[float]] | None = None
        file = _file_of(points)
        if file is not None:
            self._table = ImageTable(file, _file_entries(file))
            self.words = f'at the points of {file.name} (sha256 {file_sha256(file)[:12]}){_ONLY}'
            return
        given = [points] if isinstance(points, (str, Path)) else list(points)
        self._points = [_point(one) for one in given]
        self.words = f'at the points {"; ".join(f"{x:g},{y:g}" for x, y in self._points)}{_ONLY}'

    def prepare(self, image: InputImage) -> list[list[float]]:
        return self._points if self._table is None else self._table.rows_of(image)

    def fits(self, prepared: Sequence[Any], people: Sequence[People]) -> list[np.ndarray]:
        return [
            _point_fits(np.array(points, float).reshape(-1, 2), some, self._links)
            for points, some in zip(prepared, people)
        ]

    def forget(self) -> None: ...


def chosen_rows(fits: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(m,) the candidate for each prompt, -1 where none fits.

    Args:
        fits: (m, n). scores: (n,).
    """
    rows = np.full(len(fits), -1)
    if not fits.size:
        return rows
    worth = fits * np.maximum(scores, _LEAST_SCORE)
    # what does not fit costs more than everything else together
    cost = np.where(worth > 0, -np.log(np.maximum(worth, 1e-300)), 1e6)
    for prompt, candidate in zip(*linear_sum_assignment(cost)):
        if worth[prompt, candidate] > 0:
            rows[prompt] = candidate
    return rows


def _box_fits(boxes_px: np.ndarray, people: People) -> np.ndarray:
    if not len(people):
        return np.zeros((len(boxes_px), 0))
    own = np.asarray(people.bboxes_px, np.float64)
    low = np.maximum(boxes_px[:, None, :2], own[None, :, :2])
    high = np.minimum(boxes_px[:, None, 2:], own[None, :, 2:])
    both = (high - low).clip(0).prod(-1)
    area = lambda boxes: (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(-1)
    iou = both / np.maximum(area(boxes_px)[:, None] + area(own)[None] - both, 1e-9)
    return np.where(iou >= _LEAST_IOU, iou**_IOU_POWER, 0.0)


def _point_fits(points_px: np.ndarray, people: People, links: np.ndarray) -> np.ndarray:
    if not len(people):
        return np.zeros((len(points_px), 0))
    keypoints = np.asarray(people.keypoints_px, np.float64)  # (n, K, 2)
    start, along = keypoints[:, links[:, 0]], keypoints[:, links[:, 1]] - keypoints[:, links[:, 0]]  # (n, L, 2)
    offset = points_px[:, None, None] - start  # (m, n, L, 2)
    share = ((offset * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9)).clip(0, 1)
    distance = np.linalg.norm(offset - share[..., None] * along, axis=-1).min(-1)  # (m, n)
    size = (keypoints.max(1) - keypoints.min(1)).max(-1).clip(1e-6)
    relative = distance / size
    return np.where(relative <= _POINT_REACH, np.exp(-0.5 * (relative / _POINT_SD) ** 2), 0.0)


def _file_of(points: Points) -> Path | None:
    """The file that is meant, if one is."""
    one = points if isinstance(points, (str, Path)) else points[0] if len(points) == 1 else None
    return Path(one) if isinstance(one, (str, Path)) and Path(one).suffix.lower() == '.json' else None


def _point(given: Any, file: Path | None = None, field: str = 'points') -> list[float]:
    try:
        parts = given.split(',') if isinstance(given, str) else given
        x, y = (float(part) for part in parts)
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError
    except (TypeError, ValueError, AttributeError):
        raise UserError(f'{given!r} is no point', file=file, field=field, remedy=_POINT_KINDS) from None
    return [x, y]


def _file_entries(file: Path):
    content = read_json(file)
    if not isinstance(content, dict) or not all(isinstance(rows, list) for rows in content.values()):
        raise UserError('it is no table of points', file=file, remedy=_POINT_KINDS)
    for image, rows in content.items():
        yield image, None, None
        for number, row in enumerate(rows):
            if not isinstance(row, list):
                raise UserError(
                    f'{json.dumps(row)[:60]} is no point', file=file, field=f'{image}[{number}]', remedy=_POINT_KINDS
                )
            yield image, None, _point(row, file, f'{image}[{number}]')
