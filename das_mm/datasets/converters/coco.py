"""COCO keypoints (Lin et al. 2014), and what data sets in COCO's style share.

Pixels are kept: COCO counts them from 0 at the centre of the top-left one, as we do. So are the ids and the areas of
the segments, by which COCO's evaluation goes.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS

from .base import Converter, Job, Part, person_entry

_LEAST_POLYGON = 6  # numbers of a triangle; COCO's files have a few shorter ones


class CocoStyleConverter(Converter):
    """One json in COCO's style and a folder of images.

    The json is read whole by one job. Images that are not there are left out and counted.

    Args:
        root: Folder of the data set.
        annotations: The json, if it does not lie or is not called as usual.
        images: The folder of the images, likewise; ``file_name`` is then relative to it, else to ``root``.
    """

    #: the file's name of a keypoint -> ours
    keypoint_names: dict[str, str] = {}

    def __init__(
        self,
        root: str | Path,
        split: str = 'train',
        annotations: str | Path | None = None,
        images: str | Path | None = None,
    ):
        super().__init__(root, split)
        self.annotations = Path(annotations) if annotations is not None else None
        self.images = Path(images) if images is not None else None

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument('--annotations', metavar='FILE', help='the json; default: its usual name below --root')
        parser.add_argument('--images', metavar='DIR', help='folder of the images; default: the usual one below --root')

    @property
    def image_root(self) -> Path:
        return self.images if self.images is not None else self.root

    def annotation_file(self) -> Path:
        """The json; the first of the usual ones where none was given."""
        usual = self.usual_annotations()
        found = (path for path in usual if path.is_file())
        file = self.annotations if self.annotations is not None else next(found, usual[0])
        return self.require(file, 'the annotation file')

    def image_folder(self) -> Path:
        """The folder of the images, likewise."""
        usual = self.usual_image_folders()
        folder = self.images if self.images is not None else next((path for path in usual if path.is_dir()), usual[0])
        return self.require(folder, 'the folder of the images')

    def usual_annotations(self) -> list[Path]:
        """Where the json may lie, best first."""
        raise NotImplementedError

    def usual_image_folders(self) -> list[Path]:
        """Where the images may lie, best first."""
        raise NotImplementedError

    def image_fields(self, image: dict) -> dict:
        """Further fields of ``images[]`` from the file's entry."""
        return {}

    def person_area(self, person: dict) -> float:
        """Area of a person, px²."""
        return float(person['area'])

    def jobs(self) -> list[Job]:
        file, folder = self.annotation_file(), self.image_folder()
        return [Job(file.stem, dict(file=str(file), folder=str(folder)), (file, folder))]

    def convert(self, job: Job) -> Part:
        file, folder = job.arguments['file'], Path(job.arguments['folder'])
        content = _read(file)
        category = self._person_category(content, file)
        people: dict[int, list[dict]] = {}
        for person in content['annotations']:
            if person.get('category_id', category) == category:
                people.setdefault(person.get('image_id'), []).append(person)
        part = Part()
        for image in content['images']:
            theirs = people.pop(image.get('id'), [])
            if not (folder / _field(image, 'file_name', file, 'images')).is_file():
                part.counts.update({'images missing': 1, 'people of missing images': len(theirs)})
                continue
            part.images.append(self._image(image, theirs, folder, file, part.counts))
        if people:
            part.counts['people of images that are not listed'] = sum(map(len, people.values()))
        return part

    def _image(self, image: dict, people: list[dict], folder: Path, file: str, counts: Counter) -> dict:
        width, height = (int(_field(image, side, file, 'images')) for side in ('width', 'height'))
        name = (folder / image['file_name']).relative_to(self.image_root).as_posix()
        entries = [self._person(person, (width, height), file) for person in people]
        for entry in entries:
            labelled = 'with' if entry['num_keypoints'] else 'without'
            counts['crowd regions' if entry['iscrowd'] else f'people {labelled} labelled keypoints'] += 1
        return dict(
            id=image['id'],
            file_name=name,
            width=width,
            height=height,
            has_3d=False,
            **self.image_fields(image),
            annotations=entries,
        )

    def _person(self, person: dict, size: tuple[int, int], file: str) -> dict:
        number = KEYPOINT_SETS[self.keypoint_set].num_keypoints
        field = f'annotations, id {person.get("id")}'
        try:
            keypoints = np.asarray(person['keypoints'], np.float64).reshape(number, 3)
            bbox = np.asarray(person['bbox'], np.float64).reshape(4)
            area, crowd = self.person_area(person), int(person.get('iscrowd', 0))
            mask = _run_lengths(person.get('segmentation'), size)
            return person_entry(
                self.keypoint_set,
                keypoints[:, :2],
                keypoints[:, 2],
                size,
                bbox_xywh=bbox,
                id=person['id'],
                area=area,
                iscrowd=crowd,
                segmentation=mask,
            )
        except KeyError as error:
            raise UserError(f'it lacks {error}', file=file, field=field, remedy=_DAMAGED) from None
        except (TypeError, ValueError) as error:
            raise UserError(
                f'it does not hold what it should ({error}); expected are {number} keypoints of (x, y, '
                'flag), a box of 4 and polygons or run lengths',
                file=file,
                field=field,
                remedy=_DAMAGED,
            ) from None

    def _person_category(self, content: dict, file: str) -> int:
        """Id of the category with keypoints, whose names must be those of the keypoint set."""
        ours = KEYPOINT_SETS[self.keypoint_set].keypoints
        for category in content.get('categories') or []:
            names: Sequence[str] = category.get('keypoints', ())
            theirs = tuple(self.keypoint_names.get(name, name) for name in names)
            if theirs == ours:
                return category.get('id', 1)
            if theirs:
                raise UserError(
                    f'its keypoints are {", ".join(theirs)}, not those of {self.title}',
                    file=file,
                    field='categories',
                    remedy=f'expected are {", ".join(ours)}',
                )
        raise UserError(
            'it names no keypoints',
            file=file,
            field='categories',
            remedy=f'give the file of the keypoints:\n{self.tree}',
        )


_DAMAGED = 'the file is damaged: download or copy it again'


def _read(file: str) -> dict:
    try:
        with open(file, encoding='utf-8') as stream:
            content = json.load(stream)
    except OSError as error:
        raise UserError(f'it cannot be read ({error.strerror})', file=file, remedy='check its permissions') from None
    except ValueError as error:  # json's and the decoder's
        raise UserError(f'it is no valid json, perhaps cut short ({error})', file=file, remedy=_DAMAGED) from None
    for name in ('images', 'annotations'):
        rows = content.get(name) if isinstance(content, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UserError('is missing or no list of objects', file=file, field=name, remedy=_DAMAGED)
    return content


def _field(entry: dict, key: str, file: str, rows: str):
    if key not in entry:
        raise UserError(f'it lacks {key!r}', file=file, field=f'{rows}, id {entry.get("id")}', remedy=_DAMAGED)
    return entry[key]


def _run_lengths(segmentation: list | dict | None, size: tuple[int, int]) -> dict | None:
    """Polygons or run lengths of either kind as compressed run lengths with text counts; None where there are none."""
    width, height = size
    if isinstance(segmentation, dict):
        lengths: Any = segmentation  # pycocotools' stub knows no counts as lists of numbers, nor its own as bytes
        counts = lengths['counts']
        if isinstance(counts, list):
            lengths = coco_mask.frPyObjects(lengths, height, width)
            counts = lengths['counts'].decode('ascii')
        return dict(size=list(lengths['size']), counts=counts)
    polygons = [polygon for polygon in segmentation or () if len(polygon) >= _LEAST_POLYGON]
    if not polygons:
        return None
    merged: Any = coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
    return dict(size=list(merged['size']), counts=merged['counts'].decode('ascii'))


class CocoConverter(CocoStyleConverter):
    """COCO's person keypoints of 2017, or of 2014 where those of 2017 are not there."""

    name = 'coco'
    title = 'COCO keypoints'
    keypoint_set = 'coco17'
    splits = ('train', 'val')
    tree = """\
coco/
  annotations/person_keypoints_{train,val}2017.json    (or …2014.json)
  {train,val}2017/000000000009.jpg …                   (or {train,val}2014/COCO_train2014_000000000009.jpg …)"""
    # images of each split, and people whom COCO's evaluation takes, as mmpose and others report them
    _IMAGES = {'train2017': 118287, 'val2017': 5000, 'train2014': 82783, 'val2014': 40504}
    _PEOPLE = {'train2017': 149813, 'val2017': 6352}

    def usual_annotations(self) -> list[Path]:
        return [self.root / 'annotations' / f'person_keypoints_{self.split}{year}.json' for year in (2017, 2014)]

    def usual_image_folders(self) -> list[Path]:
        return [self.root / folder / self._split_and_year() for folder in ('', 'images')]

    def expected(self) -> dict[str, str]:
        rows = {'images': self._IMAGES, 'people with labelled keypoints': self._PEOPLE}
        key = self._split_and_year()
        return {row: str(numbers[key]) for row, numbers in rows.items() if key in numbers}

    def _split_and_year(self) -> str:
        years = re.findall('2014|2017', self.annotation_file().name)
        return f'{self.split}{years[-1] if years else 2017}'
