"""PoseTrack 2018 (Andriluka et al.): videos in COCO's style, with identities, boxes of heads, and regions to ignore."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS

from ..annotations.entries import Entries
from ..annotations.people import read_keypoints
from ..annotations.rules import BOX, BOX_SIDES, REGIONS
from ..annotations.values import as_numbers, as_whole_number
from .base import Job, flags_in_image, person_entry
from .coco import CocoStyleConverter
from .coco_file import DAMAGED

_EARS = [index for index, name in enumerate(KEYPOINT_SETS['posetrack17'].keypoints) if name.endswith('_ear')]


class PoseTrack18Converter(CocoStyleConverter):
    """The original json files, one a video, or mmpose's, which has all of a split.

    Ids are kept. Identities are those of the files: unique in their video. Frames without labels are kept too, as
    ``is_labeled`` false: they are neighbours of others. Both ears are never labelled, whatever a file says. A keypoint
    is labelled or not: those in the image count as visible.

    Args:
        root: Folder of the data set.
        annotations: A json, or a folder of them, where they do not lie as usual.
        images: The folder that ``file_name`` (``images/val/…``) is relative to, by default the root.
    """

    name = 'posetrack18'
    title = 'PoseTrack 2018'
    keypoint_set = 'posetrack17'
    splits = ('train', 'val')
    tree = """\
posetrack18/
  annotations/{train,val}/003418_mpii_test.json …       (or annotations/posetrack18_{train,val}.json of mmpose)
  images/{train,val}/003418_mpii_test/000000.jpg …      (both also below posetrack_data/)"""
    _SEQUENCES = dict(train='593, as widely cited', val='170, as widely cited')

    def usual_annotations(self) -> list[Path]:
        """Folders of one json a video, then mmpose's files."""
        names = (
            f'annotations/{self.split}',
            f'posetrack_data/annotations/{self.split}',
            f'annotations/posetrack18_{self.split}.json',
            f'posetrack18_{self.split}.json',
        )
        return [self.root / name for name in names]

    def usual_image_folders(self) -> list[Path]:
        return [self.root, self.root / 'posetrack_data']

    def annotation_file(self) -> Path:
        """The json, or the folder that holds one for every video."""
        usual = self.usual_annotations()
        found = (path for path in usual if path.is_file() or any(path.glob('*.json')))
        return self.require(self.annotations or next(found, usual[0]), 'the folder or file of the annotations')

    def image_folder(self) -> Path:
        """The folder that ``file_name`` is relative to."""
        if self.images is not None:
            return self.images if self.without_images else self.require(self.images, 'the folder of the images')
        usual = self.usual_image_folders()
        folder = next((folder for folder in usual if (folder / 'images').is_dir()), usual[0])
        if not self.without_images:
            self.require(folder / 'images', 'the folder of the images')
        return folder

    def jobs(self) -> list[Job]:
        source, folder = self.annotation_file(), self.image_folder()
        files = sorted(source.glob('*.json')) if source.is_dir() else [source]
        return [Job(file.stem, dict(file=str(file), folder=str(folder)), (file,)) for file in files]

    def expected(self) -> dict[str, str]:
        return {'sequences': self._SEQUENCES[self.split]}

    def image_needs(self) -> tuple[str, ...]:
        return ()

    def check_images(self, images: Entries) -> None:
        images.marks('is_labeled', default=True)

    def check_people(self, people: Entries, images: Entries) -> None:
        """Boxes may be absent or null, keypoints and identities may not."""
        people.require('id', 'track_id', 'keypoints')
        people.require_unique(people.whole_numbers('id'))
        people.whole_numbers('track_id')
        read_keypoints(people, KEYPOINT_SETS[self.keypoint_set])
        boxed, with_head = people.having('bbox'), people.having('bbox_head')
        boxes = boxed.numbers('bbox', (4,), remedy=BOX.remedy)
        for rule in (BOX, BOX_SIDES):
            boxed.check('bbox', rule, boxes, boxed.shown('bbox'))
        with_head.numbers('bbox_head', (4,), remedy='bbox_head is x, y, width, height in px')

    def image(
        self, image: dict, people: list[dict], size: tuple[int, int], folder: Path, file: str, counts: Counter
    ) -> dict:
        path = folder / image['file_name']
        labelled = image.get('is_labeled') is None or bool(image['is_labeled'])
        regions = _ignore_regions(image, file)
        entries = [self._tracked_person(person, size, counts) for person in people]
        entries = [entry for entry in entries if entry is not None]
        counts.update({'labelled images': int(labelled), 'images with ignored regions': int(bool(regions))})
        more = dict(ignore_regions=regions) if regions else {}
        return dict(
            id=image['id'],
            file_name=path.relative_to(self.image_root).as_posix(),
            width=size[0],
            height=size[1],
            has_3d=False,
            seq=path.parent.name,
            frame=_frame_number(path, file),
            is_labeled=labelled,
            **more,
            annotations=entries,
        )

    def _tracked_person(self, person: dict, size: tuple[int, int], counts: Counter) -> dict | None:
        """The entry; None for somebody who is neither labelled nor has a box."""
        keypoints = np.asarray(person['keypoints'], np.float64).reshape(-1, 3)
        known = (keypoints[:, 2] > 0) & (keypoints[:, :2] != 0).any(1)
        known[_EARS] = False
        bbox, head = person.get('bbox'), person.get('bbox_head')
        if head is not None and not all(rule.holds(np.array([head], np.float64))[0] for rule in (BOX, BOX_SIDES)):
            counts['boxes of heads left out: NaN, far out, or of negative size'] += 1
            head = None
        if not known.any() and bbox is None:
            counts['people dropped: neither keypoints nor box'] += 1
            return None
        counts['people with labelled keypoints' if known.any() else 'people without labelled keypoints'] += 1
        counts['people without a box of the head'] += person.get('bbox_head') is None
        return person_entry(
            self.keypoint_set,
            keypoints[:, :2],
            flags_in_image(keypoints[:, :2], known, size),
            size,
            bbox_xywh=bbox,
            id=as_whole_number(person['id']),
            track_id=as_whole_number(person['track_id']),
            head_bbox=head,
        )


def _frame_number(path: Path, file: str) -> int:
    if not path.stem.isdigit():
        raise UserError(
            f'{path.name} is no number of a frame',
            file=file,
            field='images, file_name',
            remedy='frames are called 000000.jpg, 000001.jpg, …',
        )
    return int(path.stem)


def _ignore_regions(image: dict, file: str) -> list[list[list[float]]]:
    """Polygons out of the lists of x and of y; what has no area is left out."""
    field = f'images (id {image["id"]}).ignore_regions_x'
    xs, ys = (image.get(f'ignore_regions_{axis}') for axis in 'xy')
    xs, ys = ([] if side is None else side for side in (xs, ys))
    regions = []
    fits = isinstance(xs, list) and isinstance(ys, list) and len(xs) == len(ys)
    for pair in zip(xs, ys) if fits else ():
        sides = [side for side in map(as_numbers, pair) if side is not None and side.ndim == 1]
        fits = fits and len(sides) == 2 and len(sides[0]) == len(sides[1])
        if fits:
            regions.append(np.column_stack(sides))
    if not fits:
        raise UserError('its regions to ignore do not fit together', file=file, field=field, remedy=DAMAGED)
    for region in regions:
        REGIONS.demand(region, file, field)
    return [region.tolist() for region in regions if len(region) >= 3]
