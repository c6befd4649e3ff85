"""MuPoTS-3D, the test set of 20 sequences (datasets.md §6)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.errors import UserError

from .base import Converter, Job, Part, camera_entry, flags_in_image, image_size, person_entry
from .mat_files import read_mat
from .moon_json import index_moon_json, numbers, read_slice

SEQUENCES = tuple(f'TS{number}' for number in range(1, 21))
_J = 17
_MM = 3  # decimals kept


@dataclass(frozen=True)
class _Person:
    """keypoints (J, 2) px, points and univ (J, 3) camera mm, occluded (J,); univ and occluded may be unknown."""

    keypoints: np.ndarray
    points: np.ndarray
    is_valid: bool
    univ: np.ndarray | None = None
    occluded: np.ndarray | None = None


@dataclass(frozen=True)
class _Camera:
    """K (3, 3) px and (width, height) px of an image."""

    K: np.ndarray
    size: tuple[int, int]


class MuPoTSConverter(Converter):
    """MultiPersonTestSet to the annotation format.

    ``annot.mat`` is the truth of the benchmark: annot3 becomes ``keypoints_3d``, univ_annot3 ``keypoints_3d_univ``,
    isValidFrame ``is_valid``, occlusion_labels ``occluded`` (and flag 1). People keep their order, on which the
    official matching depends. annot2 is stored as it is: it is the image of annot3 under the published intrinsics.

    Intrinsics come from MuPoTS-3D.json, or by least squares from annot2 and annot3 where it is absent. A sequence
    without annot.mat is read from the json, which has no univ_annot3.

    Args:
        root: Folder that holds MultiPersonTestSet, or that folder itself; MuPoTS-3D.json lies in it.
    """

    name = 'mupots'
    title = 'MuPoTS-3D'
    keypoint_set = 'mupots17'
    splits = ('test',)
    reprojection_limit_px = 2.0
    tree = (
        'MultiPersonTestSet/TS1 … TS20/img_000000.jpg …, annot.mat, occlusion.mat\n'
        'MuPoTS-3D.json    intrinsics; optional'
    )

    def __init__(self, root: str | Path, split: str = 'test'):
        super().__init__(root, split)
        below = self.root / 'MultiPersonTestSet'
        self.test_set = below if below.is_dir() else self.root
        candidates = (self.root / 'MuPoTS-3D.json', self.test_set / 'MuPoTS-3D.json')
        self.json_file = next((path for path in candidates if path.is_file()), None)

    def jobs(self) -> list[Job]:
        """One a sequence; absent ones are one job that counts them."""
        present = [seq for seq in SEQUENCES if (self.test_set / seq).is_dir()]
        absent = [seq for seq in SEQUENCES if seq not in present]
        slices = self._slices(present)
        jobs = [
            Job(
                seq,
                dict(seq=seq, entries=slices.get(seq)),
                [path for path in (*self._mats(seq), self.test_set / seq, self.json_file) if path is not None],
            )
            for seq in present
        ]
        if absent and present:
            jobs.append(Job('absent sequences', dict(absent=absent), [self.test_set]))
        return jobs

    def convert(self, job: Job) -> Part:
        if 'absent' in job.arguments:
            absent = job.arguments['absent']
            return Part(counts=Counter({'sequences missing': len(absent)}), notes=[f'{", ".join(absent)}: not there'])
        seq, entries = job.arguments['seq'], job.arguments['entries']
        part = Part()
        file, in_json = self.json_file, {}
        if file is not None and entries is not None:
            in_json = {_frame_of(image): (image, people) for image, people in read_slice(file, entries)}
        annot, occlusion = self._mats(seq)
        if annot.is_file() or file is None or not in_json:
            self.require(annot, 'the annotation of the sequence')
            frames = read_mats(annot, occlusion if occlusion.is_file() else None)
            if not occlusion.is_file():
                part.notes.append(f'{seq} has no occlusion.mat: nothing is known of occlusion there')
        else:
            frames = {
                frame: [_json_person(person, file) for person in people] for frame, (_, people) in in_json.items()
            }
            part.notes.append(
                f'{seq} has no annot.mat: taken from {file.name}, without univ_annot3, by '
                'which the official evaluation goes'
            )
        cameras = {} if file is None else {frame: _json_camera(image, file) for frame, (image, _) in in_json.items()}
        self._add_images(part, seq, frames, cameras)
        return part

    def expected(self) -> dict[str, str]:
        return {'sequences': str(len(SEQUENCES)), 'images': 'about 8 000'}

    def _mats(self, seq: str) -> tuple[Path, Path]:
        return self.test_set / seq / 'annot.mat', self.test_set / seq / 'occlusion.mat'

    def _slices(self, sequences: list[str]) -> dict[str, dict]:
        """Where the json holds the images and people of each sequence."""
        if self.json_file is None:
            return {}
        index = index_moon_json(self.json_file)
        owners = [Path(name).parent.name for name in index.file_names]
        rows = {seq: [row for row, owner in enumerate(owners) if owner == seq] for seq in sequences}
        return {seq: index.slice(of_seq) for seq, of_seq in rows.items() if of_seq}

    def _add_images(self, part: Part, seq: str, frames: dict[int, list[_Person]], cameras: dict[int, _Camera]) -> None:
        """Entries of ``images[]`` with their people, for every image that is there."""
        folder = self.test_set / seq
        paths = {frame: folder / f'img_{frame:06d}.jpg' for frame in frames}
        there = [frame for frame, path in paths.items() if path.is_file()]
        if len(there) < len(frames):
            part.counts['images missing'] += len(frames) - len(there)
            part.notes.append(f'{seq}: {len(frames) - len(there)} of {len(frames)} images are not there')
        if not there:
            return
        any_camera = next(iter(cameras.values()), None) or self._estimated_camera(part, seq, frames, paths[there[0]])
        for frame in there:
            camera = cameras.get(frame, any_camera)
            people = [entry for entry in (_entry(person, camera.size) for person in frames[frame]) if entry is not None]
            part.counts['people that are not valid'] += sum(not person['is_valid'] for person in people)
            part.images.append(
                dict(
                    file_name=paths[frame].relative_to(self.root).as_posix(),
                    width=camera.size[0],
                    height=camera.size[1],
                    seq=seq,
                    frame=frame,
                    has_3d=True,
                    cam_param=camera_entry(camera.K),
                    annotations=people,
                )
            )

    def _estimated_camera(self, part: Part, seq: str, frames: dict[int, list[_Person]], image: Path) -> _Camera:
        """K by least squares, where no file tells it."""
        people = [person for frame in frames.values() for person in frame if person.is_valid]
        keypoints = np.array([person.keypoints for person in people]).reshape(-1, 2)
        points = np.array([person.points for person in people]).reshape(-1, 3)
        K, off_px = estimate_intrinsics(keypoints, points, file=image.parent)
        size = image_size(image)
        if size is None:
            raise UserError('is no image that can be read', file=image, remedy='extract the archive again')
        part.notes.append(
            f'{seq}: intrinsics by least squares from annot2 and annot3 (median residual {off_px:.2g} px)'
        )
        return _Camera(K, size)


def read_mats(annot: Path, occlusion: Path | None) -> dict[int, list[_Person]]:
    """Frame (from 0, as the images are numbered) -> people in the order of the file's columns, without empty cells.

    Raises:
        UserError: A file is damaged or not as documented, or the two do not belong together.
    """
    cells = _cells(annot, 'annotations')
    labels = None if occlusion is None else _cells(occlusion, 'occlusion_labels')
    if labels is not None and labels.shape != cells.shape:
        raise UserError(
            f'has cells {labels.shape}, annot.mat {cells.shape}',
            file=occlusion,
            field='occlusion_labels',
            remedy='extract both from the same archive',
        )
    frames: dict[int, list[_Person]] = {}
    for row, column in np.ndindex(cells.shape):
        people = frames.setdefault(row, [])
        cell = cells[row, column]
        if not cell.size:
            continue
        where = f'annotations{{{row + 1},{column + 1}}}'
        keypoints, points, univ = (
            _field(cell, name, (d, _J), annot, where).T
            for name, d in (('annot2', 2), ('annot3', 3), ('univ_annot3', 3))
        )
        valid = bool(_field(cell, 'isValidFrame', (1,), annot, where)[0])
        occluded = None
        if occlusion is not None and labels is not None and labels[row, column].size:
            occluded = _shaped(labels[row, column], (_J,), occlusion, f'occlusion_labels{where[11:]}') > 0
        people.append(_Person(keypoints, points, valid, univ, occluded))
    return frames


def estimate_intrinsics(keypoints_px: np.ndarray, points_mm: np.ndarray, file: Path) -> tuple[np.ndarray, float]:
    """K (3, 3) without skew that projects points (N, 3) onto keypoints (N, 2) with least squares; median distance px.

    Raises:
        UserError: There are too few points in front of the camera.
    """
    front = points_mm[:, 2] > 0
    points_mm, keypoints_px = points_mm[front], keypoints_px[front]
    if len(points_mm) < 3:
        raise UserError('too few keypoints to find the intrinsics', file=file, remedy='put MuPoTS-3D.json into --root')
    K, off = np.eye(3), []
    for axis in (0, 1):
        tangent = points_mm[:, axis] / points_mm[:, 2]
        (K[axis, axis], K[axis, 2]), *_ = np.linalg.lstsq(
            np.column_stack([tangent, np.ones_like(tangent)]), keypoints_px[:, axis], rcond=None
        )
        off.append(K[axis, axis] * tangent + K[axis, 2] - keypoints_px[:, axis])
    return K, float(np.median(np.hypot(*off)))


def _entry(person: _Person, size: tuple[int, int]) -> dict | None:
    """An entry of ``annotations[]``; None where there are no numbers at all (an unused cell)."""
    known = (person.points[:, 2] > 0) & np.isfinite(np.concatenate([person.points, person.keypoints], 1)).all(1)
    if not known.any():
        return None
    more: dict[str, Any] = dict(is_valid=person.is_valid)
    if person.univ is not None:
        more['keypoints_3d_univ'] = np.round(np.where(known[:, None], person.univ, 0), _MM).tolist()
    if person.occluded is not None:
        more['occluded'] = person.occluded.astype(int).tolist()
    flags = flags_in_image(person.keypoints, known, size, hidden=person.occluded)
    return person_entry('mupots17', person.keypoints, flags, size, points_mm=person.points, valid_3d=known, **more)


def _json_camera(image: dict, file: Path) -> _Camera:
    fx, fy, cx, cy = numbers(image, 'intrinsic', (4,), file)
    width, height = (int(numbers(image, side, (), file)) for side in ('width', 'height'))
    return _Camera(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), (width, height))


def _json_person(person: dict, file: Path) -> _Person:
    seen = numbers(person, 'keypoints_vis', (_J,), file) > 0
    return _Person(
        numbers(person, 'keypoints_img', (_J, 2), file),
        numbers(person, 'keypoints_cam', (_J, 3), file),
        bool(numbers(person, 'is_valid', (), file)),
        occluded=~seen,
    )


def _frame_of(image: dict) -> int:
    """``TS1/img_000007.jpg`` is 7."""
    digits = Path(image['file_name']).stem.rpartition('_')[2]
    if not digits.isdigit():
        raise UserError(
            f'{image["file_name"]!r} has no number',
            field='images.file_name',
            remedy='MuPoTS-3D.json names images as TS1/img_000007.jpg',
        )
    return int(digits)


def _cells(path: Path, name: str) -> np.ndarray:
    """A cell array (frames, people) of a mat file."""
    (cells,) = read_mat(path, name)
    if not isinstance(cells, np.ndarray) or cells.dtype != object or cells.ndim != 2:
        raise UserError('is no cell array', file=path, field=name, remedy='extract the archive again')
    return cells


def _field(cell: np.ndarray, name: str, shape: tuple[int, ...], path: Path, where: str) -> np.ndarray:
    if name not in (cell.dtype.names or ()):
        raise UserError('is missing', file=path, field=f'{where}.{name}', remedy='extract the archive again')
    return _shaped(cell[name].flat[0], shape, path, f'{where}.{name}')


def _shaped(value: np.ndarray, shape: tuple[int, ...], path: Path, field: str) -> np.ndarray:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.size != np.prod(shape) or (len(shape) > 1 and array.shape != shape):  # a vector may lie or stand
        raise UserError(
            f'has the shape {np.shape(value)}, expected {shape}',
            file=path,
            field=field,
            remedy='extract the archive again',
        )
    return array.reshape(shape)
