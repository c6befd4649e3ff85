"""MPII Human Pose (Andriluka et al. 2014): from its mat file, or from the json files that mmpose uses.

Pixels of both count from 1 and are moved here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.engine.json_files import read_json
from das_mm.errors import UserError

from ..annotations.file_names import leads_out
from ..annotations.rules import MARK
from ..annotations.values import MAX_PX, as_numbers, is_usable_text, short_text
from .base import Converter, Job, Part, flags_in_image, image_size, person_entry
from .mat_files import read_mat

_MAT = 'mpii_human_pose_v1_u12_1.mat'
_JOINTS = 16
_MARGIN = 0.125  # on each side of the joints: the box is 25 % wider and higher than they are
_SHAPES: dict[str, tuple[int, ...]] = dict(joints=(_JOINTS, 2), joints_vis=(_JOINTS,), center=(2,), scale=())
_SCALE_PX = 200.0  # a person of scale 1 is this high


class MPIIConverter(Converter):
    """Several people an image, in the order of ``mpii16``; no 3D.

    People without joints become ignored boxes (``iscrowd``) of their scale, so that they are no background. There may
    be more people that nobody marked.

    Args:
        split: 'trainval' is all that the mat file has joints of; 'train' and 'valid' exist as json only.
        annotations: The mat or json file, if it does not lie as usual.
        images: Folder of the images, by default ``images`` below the root, else the root.
    """

    name = 'mpii'
    title = 'MPII Human Pose'
    keypoint_set = 'mpii16'
    splits = ('trainval', 'train', 'valid')
    tree = f'DIR/{_MAT}      (or annot/train.json, valid.json, trainval.json)\nDIR/images/015601864.jpg'

    def __init__(
        self,
        root: str | Path,
        split: str = 'trainval',
        annotations: str | Path | None = None,
        images: str | Path | None = None,
    ):
        super().__init__(root, split)
        self.annotations = Path(annotations) if annotations is not None else None
        usual = self.root / 'images'
        self.images = Path(images) if images is not None else usual if usual.is_dir() else self.root

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument('--annotations', metavar='FILE', help='the mat or json; default: its usual name')
        parser.add_argument('--images', metavar='DIR', help='folder of the images; default: images below --root')

    @property
    def image_root(self) -> Path:
        return self.images

    def jobs(self) -> list[Job]:
        file = self._annotation_file()
        return [Job(self.split, dict(file=str(file)), (file,))]

    def convert(self, job: Job) -> Part:
        part, file = Part(), Path(job.arguments['file'])
        read = _people_of_mat if file.suffix == '.mat' else _people_of_json
        for name, people in read(file):
            size = image_size(self.images / name)
            if size is None:
                part.miss(name)
                continue
            entries = [entry for person in people if (entry := self._entry(person, size, part)) is not None]
            if all(entry['iscrowd'] for entry in entries):  # there are people in it all the same
                part.counts['images without joints'] += 1
                continue
            part.counts['people without joints (ignored boxes)'] += sum(entry['iscrowd'] for entry in entries)
            part.counts['people dropped: neither joints nor place'] += len(people) - len(entries)
            part.images.append(dict(file_name=name, width=size[0], height=size[1], annotations=entries))
        return part

    def expected(self) -> dict[str, str]:
        people = dict(train='22246', valid='2958', trainval='25204 in the json, more in the mat')
        return {'people': people[self.split]}

    def _annotation_file(self) -> Path:
        mat = self.root / _MAT
        if self.annotations is not None:
            file = self.annotations
        elif self.split == 'trainval' and mat.exists():
            file = mat
        else:
            file = self.root / 'annot' / f'{self.split}.json'
        if file.suffix == '.mat' and self.split != 'trainval':
            raise UserError(
                f'the mat file does not know the split {self.split!r}',
                file=file,
                field='--split',
                remedy='use --split trainval, or the json files',
            )
        return self.require(file, 'the annotation file')

    def _entry(self, person: dict, size: tuple[int, int], part: Part) -> dict | None:
        px, hidden = person['px'], person['hidden']
        placed = (np.abs(px) <= MAX_PX).all(-1)  # NaN is not
        known = person['known'] & placed
        nowhere = person['known'] & ~placed
        if nowhere.any():
            part.counts['joints left out: NaN, or beyond all images'] += int(nowhere.sum())
        if known.any():
            low, high = px[known].min(0), px[known].max(0)
            pad = _MARGIN * (high - low)
            return person_entry(
                self.keypoint_set,
                px,
                flags_in_image(px, known, size, hidden),
                size,
                bbox_xywh=[*(low - pad), *(high - low + 2 * pad)],
                head_bbox=person['head_xywh'],
            )
        if person['centre'] is None:
            return None
        side = _SCALE_PX * person['scale']
        return person_entry(
            self.keypoint_set, px, np.zeros(_JOINTS), size, bbox_xywh=[*(person['centre'] - side / 2), side, side]
        ) | dict(iscrowd=1)


def _people_of_json(file: Path) -> Iterator[tuple[str, list[dict]]]:
    """Images with their people, out of a list of people."""
    rows = read_json(file)
    if not isinstance(rows, list):
        raise UserError(
            f'the top level is a {type(rows).__name__}, not a list of people',
            file=file,
            remedy="give one of mmpose's json files of MPII",
        )
    images: dict[str, list[dict]] = {}
    for number, row in enumerate(rows):
        fields = row if isinstance(row, dict) else {}
        found: dict[str, np.ndarray] = {}
        for name, shape in _SHAPES.items():
            values = as_numbers(fields.get(name))
            if values is None or values.shape != shape:
                raise UserError(
                    f'an entry is not as expected: {short_text(fields.get(name))}',
                    file=file,
                    field=f'[{number}].{name}',
                    remedy='each needs image, center, scale, joints 16 × 2, joints_vis 16',
                )
            found[name] = values
        name = fields.get('image')
        if not is_usable_text(name) or not name or leads_out(name):
            raise UserError(
                f'is no name below the folder: {short_text(name)}',
                file=file,
                field=f'[{number}].image',
                remedy='copy or download the file again',
            )
        MARK.demand(found['joints_vis'], file, f'[{number}].joints_vis')
        px = found['joints'] - 1
        images.setdefault(name, []).append(
            dict(
                px=px,
                known=found['joints_vis'] > 0,
                hidden=None,
                head_xywh=None,
                centre=found['center'] - 1,
                scale=float(found['scale']),
            )
        )
    yield from images.items()


def _people_of_mat(file: Path) -> Iterator[tuple[str, list[dict]]]:
    """The training images with all people that the file mentions."""
    (release,) = read_mat(file, 'RELEASE', struct_as_record=False, squeeze_me=True)
    try:
        annolist, training = np.atleast_1d(release.annolist), np.atleast_1d(release.img_train)
        for number in np.flatnonzero(training > 0):
            image = annolist[number]
            yield str(image.image.name), [_person_of_mat(rect) for rect in _structs(image.annorect)]
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise UserError(
            f'it is not laid out as the release of MPII ({error})',
            file=file,
            field='RELEASE',
            remedy='use the file of the original archive',
        ) from None


def _person_of_mat(rect: Any) -> dict:
    px, known, hidden = np.zeros((_JOINTS, 2)), np.zeros(_JOINTS, bool), np.zeros(_JOINTS, bool)
    for annopoints in _structs(getattr(rect, 'annopoints', None)):
        for point in _structs(getattr(annopoints, 'point', None)):
            joint = int(point.id)
            px[joint], known[joint] = [float(point.x) - 1, float(point.y) - 1], True
            hidden[joint] = str(getattr(point, 'is_visible', '')) == '0'  # '1', '0', the same as numbers, or empty
    head: list[Any] = [getattr(rect, side, None) for side in ('x1', 'y1', 'x2', 'y2')]
    head_xywh = None
    if all(np.size(value) == 1 and value is not None for value in head):
        x1, y1, x2, y2 = (float(value) - 1 for value in head)
        head_xywh = [x1, y1, x2 - x1, y2 - y1]
    place = next(iter(_structs(getattr(rect, 'objpos', None))), None)
    given_scale = getattr(rect, 'scale', None)
    scale = centre = None
    if place is not None and given_scale is not None and np.size(given_scale) == 1:
        scale, centre = float(given_scale), np.array([float(place.x), float(place.y)]) - 1
    return dict(px=px, known=known, hidden=hidden, head_xywh=head_xywh, scale=scale, centre=centre)


def _structs(value: Any) -> list[Any]:
    """The structs of a MATLAB field, which scipy gives as one, as an array, or as an empty array."""
    return [struct for struct in np.atleast_1d(value).ravel() if hasattr(struct, '_fieldnames')]
