"""Runs a conversion: jobs in parallel, what is finished kept, then one checked file with its counts and a picture."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from das_mm.engine import atomic_open, atomic_write, check_writable
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS
from das_mm.version import __version__

from .base import Converter, Job, Part
from .contact_sheet import write_sheet
from .people_statistics import PeopleStatistics
from .smpl_rows import SMPLRows

FORMAT_VERSION = 1  # of the annotation format; finished parts of another version are made again
_SHEET_IMAGES = 12


@dataclass
class ConversionReport:
    """What a conversion gave.

    Attributes:
        out: The annotation file. ``sheet``: the picture; None where no image could be read. ``smpl``: the SMPL file
            beside it; None where nobody has parameters.
        counts: 'sequences', 'images', 'people', 'people with 3D', … and what the converter counted itself.
        notes: What looked odd. ``failed``: jobs left out, name -> what was wrong.
        medians: Of the numbers that were checked (:class:`.PeopleStatistics`).
    """

    out: Path
    sheet: Path | None = None
    smpl: Path | None = None
    counts: Counter = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    medians: dict[str, float] = field(default_factory=dict)


def run_conversion(
    converter: Converter,
    out: str | Path,
    *,
    workers: int | None = 0,
    progress: bool = False,
    checks: bool = True,
    keep_going: bool = False,
    sheet: bool = True,
) -> ConversionReport:
    """Converts a data set to one annotation file.

    Finished jobs lie in ``OUT.parts`` until the file is there: an interrupted conversion goes on where it stopped.

    Args:
        converter: What to convert.
        out: The json to write. The picture gets the same name with the ending png.
        workers: Processes; all cores where None, this process alone where 0.
        progress: Show a bar.
        checks: Refuse a file whose numbers cannot be right (:mod:`.checks`).
        keep_going: Leave out jobs that fail instead of asking to mend them.

    Raises:
        UserError: Archives are absent or damaged, the disk is full, nothing was found, or a check fails.
    """
    out = Path(out)
    if out.suffix != '.json':
        raise UserError('the annotation file must end in .json', file=out, field='--out', remedy='give another name')
    check_writable(out.parent, '--out')
    jobs = converter.jobs()
    if not jobs:
        raise UserError(
            'nothing to convert was found',
            file=converter.root,
            field='--root',
            remedy=f'{converter.title} looks so:\n{converter.tree}',
        )
    report = ConversionReport(out)
    parts = out.with_name(out.name + '.parts')
    stems = {job.name: parts / _fingerprint(converter, job) for job in jobs}
    todo = [job for job in jobs if not _meta_path(stems[job.name]).exists()]
    for name, fault in _finished(converter, todo, stems, workers, progress, len(jobs)):
        if fault is not None:
            report.failed[name] = fault
    if report.failed and not keep_going:
        name, fault = next(iter(report.failed.items()))
        raise UserError(
            f'{len(report.failed)} of {len(jobs)} parts cannot be converted; the first, {name}: {fault}',
            file=converter.root,
            remedy='mend it and run the same command again (what is finished is kept), '
            'or add --keep-going to do without',
        )
    done = [stems[job.name] for job in jobs if job.name not in report.failed]
    _merge(converter, done, report, checks, sheet)
    shutil.rmtree(parts, ignore_errors=True)
    return report


def _finished(
    converter: Converter, todo: list[Job], stems: dict[str, Path], workers: int | None, progress: bool, total: int
) -> Iterator[tuple[str, str | None]]:
    """(name, what was wrong or None) of each job as it ends."""
    with _bar(f'converting {converter.title}', total, total - len(todo), progress) as advance:
        if workers == 0 or len(todo) <= 1:
            for job in todo:
                yield job.name, _do(converter, job, stems[job.name])
                advance()
            return
        context = multiprocessing.get_context('forkserver')  # torch is loaded: forking this process is not safe
        context.set_forkserver_preload([__name__])
        with ProcessPoolExecutor(workers and min(workers, len(todo)), context) as pool:
            futures = {pool.submit(_do, converter, job, stems[job.name]): job.name for job in todo}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
                    advance()
            except BaseException:  # what has not begun need not be waited for
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _do(converter: Converter, job: Job, stem: Path) -> str | None:
    """Converts and stores one part; what is wrong with the source comes back as text."""
    try:
        part = converter.convert(job)
    except UserError as error:
        return str(error)
    _store(part, stem)
    return None


def _store(part: Part, stem: Path) -> None:
    ids = all('id' in image and all('id' in person for person in image['annotations']) for image in part.images)
    smpl = any('smpl' in person for image in part.images for person in image['annotations'])
    lines = '\n'.join(json.dumps(image, allow_nan=False, separators=(',', ':')) for image in part.images)
    atomic_write(stem.with_suffix('.jsonl'), lines.encode())
    meta = dict(counts=part.counts, notes=part.notes, ids=ids, smpl=smpl)  # last: it says that the part is whole
    atomic_write(_meta_path(stem), json.dumps(meta).encode())


def _meta_path(stem: Path) -> Path:
    return stem.with_suffix('.meta.json')


def _fingerprint(converter: Converter, job: Job) -> str:
    """Changes with everything that the part depends on."""
    sources = []
    for path in job.sources:
        there = Path(path).exists()
        sources.append([str(path), *([Path(path).stat().st_size, Path(path).stat().st_mtime_ns] if there else [])])
    state = [
        FORMAT_VERSION,
        __version__,
        type(converter).__name__,
        sorted(vars(converter).items()),
        job.name,
        sorted(job.arguments.items()),
        sources,
    ]
    return hashlib.sha256(json.dumps(state, default=str).encode()).hexdigest()[:24]


def _merge(converter: Converter, stems: list[Path], report: ConversionReport, checks: bool, sheet: bool) -> None:
    """One file out of all parts, image by image, so that memory does not grow with the data set."""
    metas = [json.loads(_meta_path(stem).read_text()) for stem in stems]
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
    images_wanted = sum(_lines(stem) for stem in stems)
    chosen = {round(i * (images_wanted - 1) / max(1, _SHEET_IMAGES - 1)) for i in range(_SHEET_IMAGES)}
    samples: list[tuple[dict, list[dict]]] = []
    if not images_wanted:
        raise UserError(
            'not one image is left' + _counted(report.counts),
            file=converter.root,
            remedy=f'{converter.title} looks so:\n{converter.tree}',
        )
    try:
        with atomic_open(report.out) as file, open(people_file, 'w+b') as people_text:
            file.write(b'{"info":' + _json(_info(converter, report.smpl)) + b',\n"images":[')
            for number, (image, people) in enumerate(_entries(stems)):
                numbered(image, people)
                bodies.take(image, people)
                file.write(b',\n' * (number > 0) + _json(image))
                for person in people:
                    people_text.write(b',\n' * (people_text.tell() > 0) + _json(person))
                statistics.add(image, people)
                _count(report.counts, image, people)
                sequences.add((image.get('seq'), image.get('view')))
                if number in chosen:
                    samples.append((image, people))
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
    if sheet:
        report.sheet = write_sheet(
            report.out.with_suffix('.png'), samples, converter.image_root, converter.keypoint_set
        )


def _lines(stem: Path) -> int:
    with open(stem.with_suffix('.jsonl'), 'rb') as file:
        return sum(1 for line in file if line.strip())


def _entries(stems: list[Path]) -> Iterator[tuple[dict, list[dict]]]:
    for stem in stems:
        with open(stem.with_suffix('.jsonl'), encoding='utf-8') as file:
            for line in file:
                if line.strip():
                    image = json.loads(line)
                    yield image, image.pop('annotations')


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


def _bar(title: str, total: int, done: int, shown: bool):
    """A context that gives a function to call after each job."""
    if not shown:
        return nullcontext(lambda: None)
    return _Bar(title, total, done)


class _Bar:
    def __init__(self, title: str, total: int, done: int):
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.progress = Progress(
            TextColumn('[bold]{task.description}'),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn('parts; elapsed'),
            TimeElapsedColumn(),
            TextColumn('left'),
            TimeRemainingColumn(),
        )
        self.task = self.progress.add_task(title, total=total, completed=done)

    def __enter__(self) -> Callable[[], None]:
        self.progress.start()
        return lambda: self.progress.advance(self.task)

    def __exit__(self, *error: object) -> None:
        self.progress.stop()
