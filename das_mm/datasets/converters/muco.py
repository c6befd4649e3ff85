"""MuCo-3DHP as composited and released by Moon: 400 000 images, camera-space mm, 21 keypoints (datasets.md §5)."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from das_mm.errors import UserError

from .base import Converter, Job, Part, add_without_images, camera_entry, flags_in_image, person_entry
from .moon_json import box, index_moon_json, marks, numbers, read_slice, whole_side

_IMAGES_A_JOB = 5000
_FOLDERS = {
    'augmented': ('augmented_set',),
    'unaugmented': ('unaugmented_set',),
    'all': ('augmented_set', 'unaugmented_set'),
}
_J = 21


class MuCoConverter(Converter):
    """MuCo-3DHP.json to the annotation format.

    Each image has intrinsics of its own and no distortion. A keypoint's flag is 2 where the file calls it visible and
    it lies in the image (the file's visibility does not say the latter); ``visibility`` keeps apart what is hidden (1)
    and what is out of the image (0). People without a keypoint in the image are left out.

    Args:
        root, split: As of every converter; the data are for training alone.
        part: 'all', 'augmented' (background exchanged) or 'unaugmented'.
        interval: Of that part, every ``interval``-th image in the order of the file.
        without_images: Convert the annotations alone; sizes are those that the file tells.
    """

    name = 'muco'
    title = 'MuCo-3DHP'
    keypoint_set = 'muco21'
    splits = ('train',)
    reprojection_limit_px = 2.0
    tree = 'annotations/MuCo-3DHP.json    (or MuCo-3DHP.json)\naugmented_set/…/*.jpg\nunaugmented_set/…/*.jpg'

    def __init__(
        self, root: str | Path, split: str = 'train', part: str = 'all', interval: int = 1, without_images: bool = False
    ):
        super().__init__(root, split)
        if part not in _FOLDERS:
            raise UserError(f'there is no part {part!r}', field='--part', remedy=f'use one of: {", ".join(_FOLDERS)}')
        if interval < 1:
            raise UserError(f'{interval} is no step', field='--interval', remedy='give 1 (every image), 2, 3, …')
        self.part, self.interval, self.without_images = part, interval, without_images
        candidates = (self.root / 'annotations' / 'MuCo-3DHP.json', self.root / 'MuCo-3DHP.json')
        self.annotation_file = next((path for path in candidates if path.is_file()), candidates[0])

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument('--part', choices=tuple(_FOLDERS), default='all', help='default %(default)s')
        parser.add_argument(
            '--interval', type=int, default=1, metavar='N', help='take every Nth image of the part; default %(default)s'
        )
        add_without_images(parser, 'MuCo-3DHP.json')

    def jobs(self) -> list[Job]:
        """Slices of 5000 images; the json is read through once to find them."""
        self.require(self.annotation_file, 'the annotation file')
        index = index_moon_json(self.annotation_file)
        folders = tuple(f'{folder}/' for folder in _FOLDERS[self.part])
        rows = [row for row, name in enumerate(index.file_names) if name.startswith(folders)][:: self.interval]
        if not rows:
            raise UserError(
                f'no image lies in {" or ".join(folders)}',
                file=self.annotation_file,
                field='images.file_name',
                remedy='check --part, or download the file again',
            )
        chunks = [rows[start : start + _IMAGES_A_JOB] for start in range(0, len(rows), _IMAGES_A_JOB)]
        return [
            Job(f'images {chunk[0]} to {chunk[-1]}', index.slice(chunk), (self.annotation_file,)) for chunk in chunks
        ]

    def convert(self, job: Job) -> Part:
        part = Part()
        for image, people in read_slice(self.annotation_file, job.arguments):
            if self.without_images or os.path.isfile(self.root / image['file_name']):
                part.images.append(self._image(image, people, part))
                continue
            part.miss(image['file_name'])
            if len(part.missing) == 1:
                part.notes.append(f'{image["file_name"]} and perhaps more images are not there')
        return part

    def expected(self) -> dict[str, str]:
        share = len(_FOLDERS[self.part]) / len(_FOLDERS['all']) / self.interval
        return {'images': f'about {round(400 * share)} 000'}

    def _image(self, image: dict, people: list[dict], part: Part) -> dict:
        """An entry of ``images[]`` with its people."""
        width, height = (whole_side(image, side, self.annotation_file) for side in ('width', 'height'))
        (fx, fy), (cx, cy) = (numbers(image, key, (2,), self.annotation_file) for key in ('f', 'c'))
        entries = [self._person(person, (width, height)) for person in people]
        part.counts['people dropped: out of the image'] += entries.count(None)
        return dict(
            file_name=image['file_name'],
            width=width,
            height=height,
            has_3d=True,
            seq=image['file_name'].split('/')[0],
            cam_param=camera_entry(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])),
            annotations=[entry for entry in entries if entry is not None],
        )

    def _person(self, person: dict, size: tuple[int, int]) -> dict | None:
        """An entry of ``annotations[]``; None for a person of whom no keypoint lies in the image."""
        keypoints = numbers(person, 'keypoints_img', (_J, 2), self.annotation_file)
        points = numbers(person, 'keypoints_cam', (_J, 3), self.annotation_file)
        seen = marks(person, 'keypoints_vis', (_J,), self.annotation_file)
        front = points[:, 2] > 0
        flags = flags_in_image(keypoints, front, size, hidden=~seen)
        inside = flags_in_image(keypoints, front, size) == 2
        if not inside.any():
            return None
        return person_entry(
            self.keypoint_set,
            keypoints,
            flags,
            size,
            points_mm=points,
            valid_3d=front,
            bbox_xywh=box(person, 'bbox', self.annotation_file),
            visibility=np.where(inside, np.where(seen, 2, 1), 0).tolist(),
        )
