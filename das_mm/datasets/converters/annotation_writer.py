"""One checked annotation file out of the parts of a conversion, with its ids and counts."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from das_mm.engine import atomic_open
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS
from das_mm.version import __version__

from .base import Converter
from .conversion_parts import FORMAT_VERSION, image_count, meta_path, part_entries
from .conversion_report import ConversionReport
from .people_statistics import PeopleStatistics
from .smpl_rows import SMPLRows

_SAMPLES = 12  # images that the report shows


def merge_parts(converter: Converter, stems: list[Path], report: ConversionReport, checks: bool) -> None:
    """Writes ``report.out`` out of all parts, image by image, so that memory does not grow with the data set.

    Args:
        converter: Whose parts they are.
        stems: Stored parts (:mod:`.conversion_parts`) in their order.
        report: Is completed.
        checks: Refuse numbers that cannot be right.

    Raises:
        UserError: Nothing is left, ids come twice, or a check fails.
    """
    metas = [json.loads(meta_path(stem).read_text()) for stem in stems]
    for meta in metas:
        report.counts.update(meta['counts'])
        report.notes += [note for note in meta['notes'] if note not in report.notes]
    numbered = _Numbering(keep=all(meta['ids'] for meta in metas), out=report.out)
    statistics = PeopleStatistics(converter.keypoint_set, converter.reprojection_limit_px)
    sequences = set()
    bodies = SMPLRows(converter.keypoint_set)
    if any(meta.get('smpl') for meta in metas):
        report.smpl = report.out.with_name(f'{report.out.stem}_smpl.npz')
    people_file = report.out.with_name(f'.{report.out.name}.annotations')
    images_wanted = sum(image_count(stem) for stem in stems)
    chosen = {round(i * (images_wanted - 1) / max(1, _SAMPLES - 1)) for i in range(_SAMPLES)}
    if not images_wanted:
        raise UserError(
            'not one image is left' + _counted(report.counts),
            file=converter.root,
            remedy=f'{converter.title} looks so:\n{converter.tree}',
        )
    try:
        with atomic_open(report.out) as file, open(people_file, 'w+b') as people_text:
            file.write(b'{"info":' + _json(_info(converter, report.smpl)) + b',\n"images":[')
            for number, (image, people) in enumerate(part_entries(stems)):
                numbered(image, people)
                bodies.take(image, people)
                file.write(b',\n' * (number > 0) + _json(image))
                for person in people:
                    people_text.write(b',\n' * (people_text.tell() > 0) + _json(person))
                statistics.add(image, people)
                _count(report.counts, image, people)
                sequences.add((image.get('seq'), image.get('view')))
                if number in chosen:
                    report.samples.append((image, people))
            faults = statistics.faults() if checks else []
            if faults:
                raise UserError(
                    '; '.join(faults),
                    file=report.out,
                    field='keypoints_3d',
                    remedy='look at the source files; --skip-checks writes the file nevertheless',
                )
            if report.smpl is not None:
                bodies.write(report.smpl)
            file.write(b'],\n"annotations":[')
            _append(people_text, file)
            file.write(b'],\n"categories":' + _json([_category(converter.keypoint_set)]) + b'}\n')
    finally:
        people_file.unlink(missing_ok=True)
    if len(bodies):
        report.counts['people with SMPL'] = len(bodies)
    report.counts['sequences'] = len(sequences - {(None, None)})
    report.medians = statistics.medians()


class _Numbering:
    """Ids of images and annotations: the source's own, or 1, 2, 3…"""

    def __init__(self, keep: bool, out: Path):
        self.keep, self.out = keep, out
        self.images: set[int] = set()
        self.people: set[int] = set()

    def __call__(self, image: dict, people: list[dict]) -> None:
        image['id'] = self._id(image, self.images, 'images')
        for person in people:
            person['id'] = self._id(person, self.people, 'annotations')
            person['image_id'] = image['id']

    def _id(self, entry: dict, used: set[int], name: str) -> int:
        number = entry['id'] if self.keep else len(used) + 1
        if number in used:
            raise UserError(
                f'the source uses the id {number} twice',
                file=self.out,
                field=name,
                remedy='the source files are damaged or were joined',
            )
        used.add(number)
        return number


def _count(counts: Counter, image: dict, people: list[dict]) -> None:
    with_3d = sum(any(person.get('keypoints_3d_valid', ())) for person in people)
    counts.update(
        {
            'images': 1,
            'images without people': int(not people),
            'people': len(people),
            'people with 3D': with_3d,
            'people without 3D': len(people) - with_3d,
            'images with camera': int(bool(image.get('cam_param'))),
        }
    )


def _counted(counts: Counter) -> str:
    return ' (' + ', '.join(f'{name}: {number}' for name, number in counts.items()) + ')' if counts else ''


def _info(converter: Converter, smpl_file: Path | None) -> dict:
    options = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(converter).items()
        if name not in ('root', 'split') and isinstance(value, (str, int, float, bool, list, tuple, Path))
    }
    return dict(
        dataset=converter.name,
        split=converter.split,
        joints=converter.keypoint_set,
        units='mm',
        version=FORMAT_VERSION,
        converter=dict(das_mm=__version__, options=options),
        **({} if smpl_file is None else dict(smpl_file=smpl_file.name)),
        **converter.info(),
    )


def _category(keypoint_set: str) -> dict:
    kset = KEYPOINT_SETS[keypoint_set]
    return dict(
        id=1,
        name='person',
        supercategory='person',
        keypoints=list(kset.keypoints),
        skeleton=[[a + 1, b + 1] for a, b in kset.links],
    )


def _json(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(',', ':')).encode()


def _append(source: BinaryIO, target: BinaryIO) -> None:
    source.seek(0)
    shutil.copyfileobj(source, target, 1 << 20)
