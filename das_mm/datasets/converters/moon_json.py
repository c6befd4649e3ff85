"""Moon's json files (MuCo-3DHP.json, MuPoTS-3D.json), read by slices.

MuCo's is a gigabyte and more, several times that as Python objects. Its entries are flat: one pass over the bytes tells
where each begins and ends, and a job then reads its own entries alone. Letters: M images, A annotations.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from das_mm.engine.json_files import parse_json
from das_mm.errors import UserError

from ..annotations.file_names import leads_out
from ..annotations.rules import BOX, BOX_SIDES, MARK, SIDE
from ..annotations.values import MAX_MM, as_numbers, as_whole_number, is_usable_text, short_text

_ENTRY = re.compile(rb'\s*(\{[^{}]*\})\s*([,\]])')
_IMAGE_ID = re.compile(rb'"image_id"\s*:\s*(\d{1,18})\s*[,}]')
_AGAIN = 'the file may be cut short: download it again'


@dataclass(frozen=True)
class MoonIndex:
    """Where the entries of a file lie, in bytes.

    Attributes:
        file_names: Of the M images, in the file's order.
        image_spans: (M, 2) begin and end.
        person_spans: (A, 2) begin and end, in the file's order.
        person_rows: (A,) annotations sorted by image; ``bounds``: (M + 1,) where those of each image begin in it.
    """

    file_names: list[str]
    image_spans: np.ndarray
    person_spans: np.ndarray
    person_rows: np.ndarray
    bounds: np.ndarray

    def slice(self, rows: Sequence[int]) -> dict[str, list[list[int]]]:
        """What :func:`read_slice` needs to read these images and their people: ranges of bytes, neighbours joined."""
        people = [self.person_rows[self.bounds[row] : self.bounds[row + 1]] for row in rows]
        people = np.sort(np.concatenate(people)) if people else np.zeros(0, int)
        return dict(
            images=_ranges(self.image_spans, np.sort(np.asarray(rows, int))),
            annotations=_ranges(self.person_spans, people),
        )


def index_moon_json(path: Path) -> MoonIndex:
    """One pass over the file.

    Raises:
        UserError: It is cut short or not laid out as Moon's.
    """
    with _mapped(path) as data:
        image_spans = list(_spans(data, b'images', path))
        images = [_parse(data[start:end], path) for start, end in image_spans]
        person_spans = list(_spans(data, b'annotations', path))
        owner_ids = np.array([_owner(data, span, path) for span in person_spans], int)
    names, numbers_ = [], []
    for row, image in enumerate(images):
        name, number = image.get('file_name'), as_whole_number(image.get('id'))
        if not name or not is_usable_text(name) or leads_out(name):
            raise _damaged(path, f'is no name below the folder: {short_text(name)}', f'images[{row}].file_name')
        if number is None:
            raise _damaged(path, f'is no whole number: {short_text(image.get("id"))}', f'images[{row}].id')
        names.append(name)
        numbers_.append(number)
    ids = np.array(numbers_, np.int64)
    if len(np.unique(ids)) < len(ids):
        raise _damaged(path, 'two images have the same number', 'images.id')
    order = np.argsort(ids)
    place = np.searchsorted(ids, owner_ids, sorter=order)
    image_rows = order[np.minimum(place, len(ids) - 1)] if len(ids) else owner_ids
    if len(image_rows) and (not len(ids) or (ids[image_rows] != owner_ids).any()):
        raise _damaged(path, 'an annotation belongs to no image', 'annotations.image_id')
    person_rows = np.argsort(image_rows, kind='stable')
    bounds = np.searchsorted(image_rows[person_rows], np.arange(len(ids) + 1))
    return MoonIndex(
        names,
        np.array(image_spans, int).reshape(-1, 2),
        np.array(person_spans, int).reshape(-1, 2),
        person_rows,
        bounds,
    )


def read_slice(path: Path, ranges: Mapping[str, Sequence[Sequence[int]]]) -> list[tuple[dict, list[dict]]]:
    """(image, its annotations) for a slice made by :meth:`MoonIndex.slice`, in the file's order.

    Raises:
        UserError: The file is no longer what it was when the slice was made, or its entries are no json.
    """
    with _mapped(path) as data:
        images, people = (
            [entry for start, end in ranges[name] for entry in _parse(b'[' + data[start:end] + b']', path)]
            for name in ('images', 'annotations')
        )
    by_image: dict[int, list[dict]] = {image['id']: [] for image in images}
    for person in people:
        if person['image_id'] not in by_image:
            raise _damaged(path, 'is of another image than where it was found', _where(person, 'image_id'))
        by_image[person['image_id']].append(person)
    return [(image, by_image[image['id']]) for image in images]


def numbers(entry: Mapping, key: str, shape: tuple[int, ...], path: Path) -> np.ndarray:
    """A field of an entry as a float64 array of this shape.

    Raises:
        UserError: It is absent, of another shape or not finite.
    """
    where = _where(entry, key)
    if key not in entry:
        raise _damaged(path, 'is missing', where)
    values = as_numbers(entry[key])
    if values is None:
        raise _damaged(path, 'is not a list of numbers', where)
    if values.size != np.prod(shape, dtype=int) or not (np.abs(values) <= MAX_MM).all():  # NaN is not
        raise _damaged(path, f'is not {"x".join(map(str, shape)) or "one"} finite numbers', where)
    return values.reshape(shape)


def marks(entry: Mapping, key: str, shape: tuple[int, ...], path: Path) -> np.ndarray:
    """A field of 0 and 1 as an array (*shape) bool; errors as of :func:`numbers`."""
    values = numbers(entry, key, shape, path)
    MARK.demand(values, path, _where(entry, key))
    return values > 0


def box(entry: Mapping, key: str, path: Path) -> np.ndarray:
    """A box (4,): x, y, width, height px; errors as of :func:`numbers`, and for a negative width or height."""
    values = numbers(entry, key, (4,), path)
    for rule in (BOX, BOX_SIDES):
        rule.demand(values, path, _where(entry, key))
    return values


def whole_side(entry: Mapping, key: str, path: Path) -> int:
    """Width or height of an image, px; errors as of :func:`numbers`."""
    value = numbers(entry, key, (), path)
    SIDE.demand(value, path, _where(entry, key))
    return int(value)


def _where(entry: Mapping, key: str) -> str:
    return f'{"annotations" if "image_id" in entry else "images"} (id {entry.get("id")}).{key}'


def _spans(data: mmap.mmap, name: bytes, path: Path) -> Iterator[tuple[int, int]]:
    """(begin, end) of each object of a list of the top level."""
    opening = re.search(b'"' + name + rb'"\s*:\s*\[\s*', data)
    if opening is None:
        raise _damaged(path, 'is missing or no list', name.decode())
    place = opening.end()
    if data[place : place + 1] == b']':
        return
    while True:
        entry = _ENTRY.match(data, place)
        if entry is None:
            raise _damaged(path, f'breaks off or holds no flat objects at byte {place}', name.decode())
        yield entry.span(1)
        if entry.group(2) == b']':
            return
        place = entry.end()


def _owner(data: mmap.mmap, span: tuple[int, int], path: Path) -> int:
    """The number of the image that an annotation belongs to."""
    found = _IMAGE_ID.search(data, *span)
    if found is None:
        raise _damaged(path, f'the entry at byte {span[0]} has no whole number', 'annotations.image_id')
    return int(found.group(1))


def _ranges(spans: np.ndarray, rows: np.ndarray) -> list[list[int]]:
    """[begin, end] of the runs of neighbouring entries among the rows (ascending)."""
    if not len(rows):
        return []
    runs = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1)
    return [[int(spans[run[0], 0]), int(spans[run[-1], 1])] for run in runs]


def _mapped(path: Path) -> mmap.mmap:
    try:
        with open(path, 'rb') as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise _damaged(path, 'is empty') from None
    except OSError as error:
        raise UserError(
            f'cannot be read ({error.strerror})', file=path, remedy='check the path and permissions'
        ) from None


def _parse(text: bytes, path: Path):
    return parse_json(text, path, remedy=_AGAIN)


def _damaged(path: Path, problem: str, field: str | None = None) -> UserError:
    return UserError(problem, file=path, field=field, remedy=_AGAIN)
