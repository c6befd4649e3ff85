"""Files of MuPoTS-3D: people and occlusion out of the mat files, people and cameras out of Moon's json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from das_mm.errors import UserError

from .mat_files import read_mat
from .moon_json import marks, numbers, whole_side

_J = 17


@dataclass(frozen=True)
class Person:
    """keypoints (J, 2) px, points and univ (J, 3) camera mm, occluded (J,); univ and occluded may be unknown."""

    keypoints: np.ndarray
    points: np.ndarray
    is_valid: bool
    univ: np.ndarray | None = None
    occluded: np.ndarray | None = None


@dataclass(frozen=True)
class Camera:
    """K (3, 3) px and (width, height) px of an image."""

    K: np.ndarray
    size: tuple[int, int]


def read_mats(annot: Path, occlusion: Path | None) -> dict[int, list[Person]]:
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
    frames: dict[int, list[Person]] = {}
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
        people.append(Person(keypoints, points, valid, univ, occluded))
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


def json_camera(image: dict, file: Path) -> Camera:
    fx, fy, cx, cy = numbers(image, 'intrinsic', (4,), file)
    width, height = (whole_side(image, side, file) for side in ('width', 'height'))
    return Camera(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), (width, height))


def json_person(person: dict, file: Path) -> Person:
    seen = marks(person, 'keypoints_vis', (_J,), file)
    return Person(
        numbers(person, 'keypoints_img', (_J, 2), file),
        numbers(person, 'keypoints_cam', (_J, 3), file),
        bool(marks(person, 'is_valid', (), file)),
        occluded=~seen,
    )


def frame_of(image: dict) -> int:
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
