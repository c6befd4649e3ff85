"""A json in COCO's style as others wrote it, put before the rules of the annotation format."""

from __future__ import annotations

from typing import Any

import numpy as np

from das_mm.engine.json_files import read_json
from das_mm.errors import UserError

from ..annotations.entries import Entries
from ..annotations.file_names import leads_out
from ..annotations.rules import FILE_NAME, SIDE, WHOLE, Rule
from ..annotations.values import as_whole_number, is_usable_text, short_text

DAMAGED = 'the file is damaged: download or copy it again'
_LEADS_OUT = Rule(
    'leads out of the image folder (absolute, or with ..)',
    'images lie below the folder of the data set',
    'write names below the folder of the images',
)


class CocoFile:
    """Images and people of a file, their ids, names and sizes checked; ids and sizes are then whole numbers.

    Attributes:
        file: Path. content: What is in it.

    Raises:
        UserError: It cannot be read, or is not laid out as COCO's.
    """

    def __init__(self, file: str):
        self.file = file
        self.content = read_json(file, what='the annotation file', remedy=DAMAGED)
        for name in ('images', 'annotations'):
            rows = self.content.get(name) if isinstance(self.content, dict) else None
            if not isinstance(rows, list):
                raise UserError('is missing or no list of objects', file=file, field=name, remedy=DAMAGED)

    def person_category(self, keypoints: tuple[str, ...], renamed: dict[str, str], title: str, tree: str) -> int:
        """Id of the category with keypoints, whose names must be these.

        Args:
            keypoints: Names of the set.
            renamed: Name in the file -> ours.
            title, tree: Of the data set, for errors.

        Raises:
            UserError: There is none, or it has others.
        """
        categories = self.content.get('categories')
        categories = [] if categories is None else categories
        if not isinstance(categories, list) or not all(isinstance(category, dict) for category in categories):
            raise UserError('is no list of objects', file=self.file, field='categories', remedy=DAMAGED)
        for category in categories:
            names = category.get('keypoints')
            if not isinstance(names, list) or not names:
                continue
            theirs = tuple(renamed.get(name, name) if isinstance(name, str) else short_text(name) for name in names)
            if theirs != keypoints:
                raise UserError(
                    f'its keypoints are {", ".join(theirs)}, not those of {title}',
                    file=self.file,
                    field='categories',
                    remedy=f'expected are {", ".join(keypoints)}',
                )
            number = as_whole_number(category.get('id', 1))
            if number is None:
                raise WHOLE.error(self.file, 'categories.id', short_text(category.get('id')))
            return number
        raise UserError(
            'it names no keypoints',
            file=self.file,
            field='categories',
            remedy=f'give the file of the keypoints:\n{tree}',
        )

    def images(self, *needed: str) -> Entries:
        """The images, with ``needed`` fields beside ids and names; their sizes checked where they are given."""
        images = Entries(self.file, 'images', self.content['images'])
        images.require('id', 'file_name', *needed)
        ids = images.whole_numbers('id')
        images.require_unique(ids)
        names = [image['file_name'] for image in images.rows]
        unusable = [row for row, name in enumerate(names) if not name or not is_usable_text(name)]
        images.fail(unusable, 'file_name', FILE_NAME, images.shown('file_name'))
        outside = [row for row, name in enumerate(names) if leads_out(name)]
        images.fail(outside, 'file_name', _LEADS_OUT, images.shown('file_name'))
        for side in ('width', 'height'):
            default = None if side in needed else 1.0
            images.check(side, SIDE, images.numbers(side, default=default), images.shown(side))
        for image, number in zip(images.rows, ids.tolist()):
            image['id'] = number
        return images

    def people(self, category: int) -> Entries:
        """The annotations of a category, and those that name none."""
        people = Entries(self.file, 'annotations', self.content['annotations'])
        people.require('image_id')
        categories = people.whole_numbers('category_id', default=category)
        owners = people.whole_numbers('image_id')
        for person, owner in zip(people.rows, owners.tolist()):
            person['image_id'] = owner
        return people.chosen(np.flatnonzero(categories == category).tolist())


def by_image(people: Entries) -> dict[int, list[dict[str, Any]]]:
    """Image's id -> its people, in the order of the file."""
    found: dict[int, list[dict]] = {}
    for person in people.rows:
        found.setdefault(person['image_id'], []).append(person)
    return found
