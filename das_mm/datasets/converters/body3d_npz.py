"""mmpose's npz files of one person an image: ``imgname, center, scale, part, S``.

``part`` (N, 17, 3) holds px and a confidence, ``S`` (N, 17, 4) camera-frame **metres** and a confidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from das_mm.engine.array_files import numbers_of
from das_mm.engine.restricted_pickle import load_pickle
from das_mm.errors import UserError

from .base import Job
from .mat_files import check_shape

_ROWS_A_JOB = 20000
_JOINTS = 17


@dataclass(frozen=True)
class Body3D:
    """Some rows of a file: names of the images, keypoints (N, 17, 2) px, points (N, 17, 3) mm, flags (N, 17) bool."""

    names: list[str]
    keypoints_px: np.ndarray
    known: np.ndarray
    points_mm: np.ndarray
    valid_3d: np.ndarray


def image_names(path: Path) -> list[str]:
    """The images of a file, one a row.

    Raises:
        UserError: The file cannot be read or is another.
    """
    return [str(name) for name in _load(path, 'imgname')[0]]


def row_jobs(path: Path, rows: list[int], **arguments) -> list[Job]:
    """Jobs over the given rows, in slices; ``rows`` of a job is its list of rows."""
    return [
        Job(f'{path.stem} {start}', dict(arguments, rows=rows[start : start + _ROWS_A_JOB]), (path,))
        for start in range(0, len(rows), _ROWS_A_JOB)
    ]


def read_rows(path: Path, rows: list[int]) -> Body3D:
    """Rows of a file, lengths in mm.

    Raises:
        UserError: The file cannot be read or has another layout.
    """
    names, part, space = _load(path, 'imgname', 'part', 'S')
    check_shape(part, (len(names), _JOINTS, 3), path, 'part')
    check_shape(space, (len(names), _JOINTS, 4), path, 'S')
    part, space = part[rows].astype(float), space[rows].astype(float)
    return Body3D(
        [str(names[row]) for row in rows], part[..., :2], part[..., 2] > 0, 1000 * space[..., :3], space[..., 3] > 0
    )


def read_cameras(path: Path) -> dict:
    """A pickled dict of cameras, read without running anything.

    Raises:
        UserError: The file is no such pickle, or a camera in it lacks focal length or centre.
    """
    cameras = load_pickle(path)
    if not isinstance(cameras, dict) or not cameras:
        raise UserError('it holds no cameras', file=path, remedy='give the cameras file that belongs to the npz')
    for key, camera in cameras.items():
        for name in ('f', 'c'):
            if not isinstance(camera, dict) or not _are_two_numbers(camera.get(name)):
                raise UserError(
                    'it is not two numbers',
                    file=path,
                    field=f'{key}.{name}',
                    remedy='give the cameras file that belongs to the npz',
                )
    return cameras


def _are_two_numbers(value: object) -> bool:
    try:
        return numbers_of(value).size == 2
    except ValueError:
        return False


def pinhole(camera: dict) -> np.ndarray:
    """K (3, 3) px of an entry with ``f`` and ``c``."""
    (fx, fy), (cx, cy) = (np.asarray(camera[name], float).ravel() for name in ('f', 'c'))
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def find_image(root: Path, name: str) -> str:
    """Path relative to ``root`` of an image that lies there or under ``images``; the first where it is absent."""
    usual = (f'images/{name}', name)
    return next((path for path in usual if (root / path).exists()), usual[0])


def _load(path: Path, *keys: str) -> list[np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as content:
            return [content[key] for key in keys]
    except KeyError as error:
        raise UserError(
            'the file has no such array',
            file=path,
            field=str(error.args[0]).split()[0],
            remedy='give an annotation_body3d file of mmpose',
        ) from None
    except FileNotFoundError:
        raise UserError('there is no such file', file=path, field='--npz', remedy='check the path') from None
    except Exception as error:  # a broken zip fails anywhere
        raise UserError(
            f'it is no whole npz file ({type(error).__name__}: {error})',
            file=path,
            remedy='copy or download the file again',
        ) from error
