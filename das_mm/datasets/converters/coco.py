"""COCO keypoints (Lin et al. 2014), and what data sets in COCO's style share.

Pixels are kept: COCO counts them from 0 at the centre of the top-left one, as we do. So are the ids and the areas of
the segments, by which COCO's evaluation goes.
"""

from __future__ import annotations

import argparse
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS

from ..annotations.coco_masks import DamagedMask, run_lengths
from ..annotations.entries import Entries
from ..annotations.people import read_people
from ..annotations.values import as_whole_number
from .base import Converter, Job, Part, add_without_images, image_size, person_entry
from .coco_file import CocoFile, by_image


class CocoStyleConverter(Converter):
    """One json in COCO's style and a folder of images.

    The json is read whole by one job. Images that are not there or cannot be read are left out and counted, so are
    masks that are damaged. Images of another size than the json says are told.

    Args:
        root: Folder of the data set.
        annotations: The json, if it does not lie or is not called as usual.
        images: The folder of the images, likewise; ``file_name`` is then relative to it, else to ``root``.
        without_images: Convert the annotations alone; sizes are those that the file tells.
    """

    #: the file's name of a keypoint -> ours
    keypoint_names: dict[str, str] = {}

    def __init__(
        self,
        root: str | Path,
        split: str = 'train',
        annotations: str | Path | None = None,
        images: str | Path | None = None,
        without_images: bool = False,
    ):
        super().__init__(root, split)
        self.without_images = without_images
        self.annotations = Path(annotations) if annotations is not None else None
        self.images = Path(images) if images is not None else None

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument('--annotations', metavar='FILE', help='the json; default: its usual name below --root')
        parser.add_argument('--images', metavar='DIR', help='folder of the images; default: the usual one below --root')
        add_without_images(parser, 'the annotation file')

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
        return folder if self.without_images else self.require(folder, 'the folder of the images')

    def usual_annotations(self) -> list[Path]:
        """Where the json may lie, best first."""
        raise NotImplementedError

    def usual_image_folders(self) -> list[Path]:
        """Where the images may lie, best first."""
        raise NotImplementedError

    def image_fields(self, image: dict) -> dict:
        """Further fields of ``images[]`` from the file's entry."""
        return {}

    def person_area(self, person: dict) -> float | None:
        """Area of a person, px²; None where the file does not tell."""
        return None if person.get('area') is None else float(person['area'])

    def jobs(self) -> list[Job]:
        file, folder = self.annotation_file(), self.image_folder()
        return [Job(file.stem, dict(file=str(file), folder=str(folder)), (file, folder))]

    def convert(self, job: Job) -> Part:
        file, folder = job.arguments['file'], Path(job.arguments['folder'])
        source = CocoFile(file)
        names = KEYPOINT_SETS[self.keypoint_set].keypoints
        category = source.person_category(names, self.keypoint_names, self.title, self.tree)
        images, people = source.images(*self.image_needs()), source.people(category)
        self.check_images(images)
        self.check_people(people, images)
        theirs = by_image(people)
        part = Part()
        part.counts['annotations of other categories'] += len(source.content['annotations']) - len(people.rows)
        for image in images.rows:
            of_image = theirs.pop(image['id'], [])
            size = self._size(image, folder, file, part, len(of_image))
            if size is not None:
                part.images.append(self.image(image, of_image, size, folder, file, part.counts))
        if theirs:
            part.counts['people of images that are not listed'] = sum(map(len, theirs.values()))
        part.counts = +part.counts
        return part

    def image_needs(self) -> tuple[str, ...]:
        """Fields that every image must have beside its id and name."""
        return ('width', 'height')

    def check_images(self, images: Entries) -> None:
        """Puts further fields of the images before the rules of the annotation format."""

    def check_people(self, people: Entries, images: Entries) -> None:
        """Puts the people of a file before the rules of the annotation format.

        Raises:
            UserError: One breaks a rule; it names file, field and what to do.
        """
        known = {image['id'] for image in images.rows} | {person['image_id'] for person in people.rows}
        read_people(people, np.array(sorted(known), dtype=np.int64), KEYPOINT_SETS[self.keypoint_set])

    def image(
        self, image: dict, people: list[dict], size: tuple[int, int], folder: Path, file: str, counts: Counter
    ) -> dict:
        """An entry of ``images[]`` with its people; ``size`` (width, height)."""
        entries = [self._person(person, size, counts) for person in people]
        for entry in entries:
            labelled = 'with' if entry['num_keypoints'] else 'without'
            counts['crowd regions' if entry['iscrowd'] else f'people {labelled} labelled keypoints'] += 1
        return dict(
            id=image['id'],
            file_name=(folder / image['file_name']).relative_to(self.image_root).as_posix(),
            width=size[0],
            height=size[1],
            has_3d=False,
            **self.image_fields(image),
            annotations=entries,
        )

    def _size(self, image: dict, folder: Path, file: str, part: Part, people: int) -> tuple[int, int] | None:
        """(width, height) of an image; None, counted and told, for one that cannot serve."""
        told = None
        if image.get('width') is not None and image.get('height') is not None:
            told = (int(image['width']), int(image['height']))
        path = folder / image['file_name']
        if self.without_images:
            if told is None:
                raise UserError(
                    'its size is not in the file',
                    file=file,
                    field=f'images (id {image["id"]}).width',
                    remedy='convert with the images, without --without-images',
                )
            return told
        if not os.path.isfile(path):
            part.miss(os.path.relpath(path, self.image_root))
            part.counts['people of missing images'] += people
            return None
        found = image_size(path)
        if found is None:
            part.tell('images left out: they cannot be read', f'{path}: it is no image that can be read')
        elif told is not None and found != told:
            part.tell(
                'images whose width and height are not those of their file: a training leaves them out',
                f'{path} is {found[0]}x{found[1]} px, its entry in {file} says {told[0]}x{told[1]} (width, height)',
            )
            return told
        return found

    def _person(self, person: dict, size: tuple[int, int], counts: Counter) -> dict:
        keypoints = np.asarray(person['keypoints'], np.float64).reshape(-1, 3)
        try:
            mask = run_lengths(person.get('segmentation'), size)
        except DamagedMask as damage:
            counts[f'masks left out: {damage}'] += 1
            mask = None
        area = self.person_area(person)
        counts['people without an area: that of the box is taken'] += area is None
        return person_entry(
            self.keypoint_set,
            keypoints[:, :2],
            keypoints[:, 2],
            size,
            bbox_xywh=person['bbox'],
            id=as_whole_number(person['id']),
            area=area,
            iscrowd=int(person.get('iscrowd') or 0),
            segmentation=mask,
        )


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
