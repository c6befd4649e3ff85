"""Boxes of people out of a file: results of ours, detections as COCO has them, or a plain table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from das_mm.engine import file_sha256
from das_mm.engine.json_files import read_json
from das_mm.errors import UserError

from .image_table import ImageTable
from .person_boxes import FoundBoxes
from .predictor import InputImage
from .result_check import FORMAT
from .result_files import read_results

Row: TypeAlias = 'list[float]'  # x1, y1, x2, y2, score
_KINDS = (
    'give results of das-mm infer (.json, .jsonl), a list of COCO detections '
    '[{"image_id": …, "bbox": [x, y, width, height], "score": …}], or {"photo.jpg": [[x1, y1, x2, y2, score]]}'
)
_PERSON = 1  # COCO's category


class BoxFile:
    """Boxes by image (:class:`.ImageTable`). Of a video our results know every frame.

    Args:
        path: The file.

    Raises:
        UserError: It cannot be read, or is of no known kind; the message names the entry.
    """

    def __init__(self, path: str | Path):
        self._table: ImageTable[Row] = ImageTable(Path(path), _entries(Path(path)))
        self.words = f'of {Path(path).name} (sha256 {file_sha256(path)[:12]})'

    def prepare(self, image: InputImage) -> InputImage:
        return image

    def find(self, prepared: Sequence[InputImage]) -> list[FoundBoxes]:
        rows = [self._table.rows_of(image) for image in prepared]
        return [FoundBoxes.of_rows(sorted(some, key=lambda row: -row[4])) for some in rows]

    def forget(self) -> None: ...


def _entries(path: Path) -> Iterator[tuple[str, int | None, Row | None]]:
    """(image, frame, x1 y1 x2 y2 score) of every person; None in place of the box for an image without people."""
    if path.suffix == '.jsonl':
        yield from _of_results(path)
        return
    content = read_json(path)
    if isinstance(content, dict) and content.get('format') == FORMAT:
        yield from _of_results(path)
    elif isinstance(content, dict) and 'annotations' in content and 'images' in content:
        names = {one.get('id'): one.get('file_name') for one in _objects(content['images'], path, 'images')}
        for image in names.values():
            yield str(image), None, None
        yield from _of_detections(content['annotations'], path, 'annotations', names)
    elif isinstance(content, list):
        yield from _of_detections(content, path, '', {})
    elif isinstance(content, dict):
        for image, rows in content.items():
            yield image, None, None
            if not isinstance(rows, list):
                raise _fault('it is no list of boxes', path, str(image))
            for number, row in enumerate(rows):
                yield image, None, _plain_row(row, path, f'{image}[{number}]')
    else:
        raise _fault(f'a {type(content).__name__} is no table of boxes', path, None)


def _of_results(path: Path) -> Iterator[tuple[str, int | None, Row | None]]:
    for result in read_results(path):
        image = result['image']['file'] or result['image']['name']
        yield image, result['image']['frame'], None
        for person in result['people']:
            yield image, result['image']['frame'], [*person['bbox_px'], person['score']]


def _of_detections(
    entries: Any, path: Path, place: str, names: Mapping[Any, Any]
) -> Iterator[tuple[str, int | None, Row | None]]:
    for number, one in enumerate(_objects(entries, path, place)):
        if one.get('category_id', _PERSON) != _PERSON or one.get('iscrowd'):
            continue
        field = f'{place}[{number}]'
        image = one.get('file_name', names.get(one.get('image_id'), one.get('image_id')))
        if image is None:
            raise _fault('it names no image', path, f'{field}.image_id')
        x, y, width, height, score = _plain_row(
            [*_listed(one.get('bbox'), path, f'{field}.bbox'), one.get('score', 1.0)], path, f'{field}.bbox'
        )
        yield str(image), None, [x, y, x + width, y + height, score]


def _objects(entries: Any, path: Path, place: str) -> list[dict]:
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise _fault('it is no list of objects', path, place or None)
    return entries


def _listed(value: Any, path: Path, field: str) -> list:
    if not isinstance(value, list) or len(value) != 4:
        raise _fault(f'{json.dumps(value)[:60]} is no box of 4 numbers', path, field)
    return value


def _plain_row(row: Any, path: Path, field: str) -> Row:
    """Four numbers and perhaps a score; they may not be finite, which is told of the image."""
    numbers = isinstance(row, list) and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in row)
    if not numbers or len(row) not in (4, 5):
        raise _fault(f'{json.dumps(row)[:60]} is no box of 4 numbers, or 5 with the score', path, field)
    return [float(one) for one in ([*row, 1.0] if len(row) == 4 else row)]


def _fault(problem: str, path: Path, field: str | None) -> UserError:
    return UserError(problem, file=path, field=field, remedy=_KINDS)
