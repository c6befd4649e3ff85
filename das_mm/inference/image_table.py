"""Rows of a file about images, found by however an image is named there."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Generic, TypeVar

from das_mm.errors import UserError

from .predictor import InputImage

Row = TypeVar('Row')


class ImageTable(Generic[Row]):
    """What a file says of images, and of frames of videos.

    An image is looked for by its path, then by its file name, then by that without suffix (to which a number of COCO's
    is compared as a number). What is said of no frame of a video holds for all of its frames.

    Args:
        path: The file, for messages.
        entries: (image, frame or None, row) of every row; None in place of the row for an image without any.
    """

    def __init__(self, path: Path, entries: Iterable[tuple[str, int | None, Row | None]]):
        self.path = path
        self._rows: dict[tuple[str, int | None], list[Row]] = defaultdict(list)
        for image, frame, row in entries:
            rows = self._rows[image, frame]
            if row is not None:
                rows.append(row)
        self._images = {image for image, _ in self._rows}
        self._by_name: dict[str, set[str]] = defaultdict(set)
        for image in self._images:
            for name in (Path(image).name, Path(image).stem):
                self._by_name[name].add(image)
                if name.isdecimal():
                    self._by_name[str(int(name))].add(image)

    def rows_of(self, image: InputImage) -> list[Row]:
        """The rows of an image; none, and a warning, where the file does not know it.

        Raises:
            UserError: Several entries could be of it.
        """
        known = self._name_of(image)
        rows = None
        if known is not None:
            rows = self._rows.get((known, image.frame), self._rows.get((known, None)))
        if rows is None:
            names = sorted(self._images)
            shown = ', '.join(names[:3]) + (', …' if len(names) > 3 else '')
            frame = '' if image.frame is None else f', frame {image.frame}'
            logging.getLogger('das_mm').warning(
                f'{self.path}: it has no entry for {image.file or image.name}{frame}, and so nobody is found there; it '
                f'names {shown or "nothing"}'
            )
            return []
        return rows

    def _name_of(self, image: InputImage) -> str | None:
        given = [image.file, image.name] if image.file else [image.name]
        for one in given:
            if one in self._images:
                return one
        for one in given:
            names = [Path(one).name, Path(one).stem]
            names += [str(int(name)) for name in names if name.isdecimal()]
            for name in names:
                found = self._by_name.get(name, set())
                if len(found) > 1:
                    raise UserError(
                        f'several entries could be of {one}: {", ".join(sorted(found)[:3])}',
                        file=self.path,
                        field=name,
                        remedy='name the images there by the paths that are given on the command line',
                    )
                if found:
                    return next(iter(found))
        return None
