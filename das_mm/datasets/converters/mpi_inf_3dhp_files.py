"""Files of MPI-INF-3DHP: annotations and cameras of the training and of the test set.

Pixels count from 0 here: in mmpose's samples the keypoints lie around the projected 3D joints by 0.03 px on average.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import check_intrinsics

from ..annotations.rules import SIDE
from ..annotations.values import MAX_MM
from .mat_files import open_hdf5, read_mat

NUM_CAMERAS = 14
# of the 28 joints of the training set, in the order of mupots17
JOINTS_OF_28 = (7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6)
_FIT_LIMIT_PX = 5.0  # the annotation is no exact image of the 3D joints: they differ by 1 to 2 px


@dataclass(frozen=True)
class Keypoints:
    """One camera's annotation, N frames: px (N, 17, 2), points and universal points (N, 17, 3) mm camera frame."""

    px: np.ndarray
    points_mm: np.ndarray
    universal_mm: np.ndarray

    def __len__(self) -> int:
        return len(self.px)


@dataclass(frozen=True)
class Camera:
    """K (3, 3) px, R (3, 3) and T (3,) mm with X_cam = R·X + T, size (width, height) px."""

    K: np.ndarray
    R: np.ndarray
    T_mm: np.ndarray
    size: tuple[int, int]


@dataclass(frozen=True)
class TestSequence:
    """A test sequence, N frames: keypoints, which frames count, the activity (1 to 7) of each, K by least squares."""

    __test__ = False  # for pytest
    keypoints: Keypoints
    valid: np.ndarray
    activity: np.ndarray
    K: np.ndarray


def read_training(path: Path, cameras: list[int]) -> dict[int, Keypoints]:
    """Annotations of some cameras out of ``annot.mat``.

    Raises:
        UserError: The file is damaged or has another layout.
    """
    names = ['annot2', 'annot3', 'univ_annot3']
    cells = dict(zip(names, read_mat(path, *names)))
    found = {}
    for camera in cameras:
        px, points, universal = (
            _cell(cells[name], camera, width, path, name)[:, JOINTS_OF_28]
            for name, width in (('annot2', 2), ('annot3', 3), ('univ_annot3', 3))
        )
        if not len(px) == len(points) == len(universal):
            raise UserError(
                f'camera {camera} has {len(px)} frames in annot2, {len(points)} in annot3 and '
                f'{len(universal)} in univ_annot3',
                file=path,
                remedy='download the file again',
            )
        found[camera] = Keypoints(px, points, universal)
    return found


def read_calibration(path: Path) -> list[Camera]:
    """The cameras of ``camera.calibration``, in the order of the annotation's cells.

    Raises:
        UserError: The file cannot be read or a camera in it is not whole.
    """
    try:
        text = path.read_text(encoding='ascii')
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'it cannot be read ({error})', file=path, remedy='download the file again') from None
    cameras = []
    for number, block in enumerate(re.split(r'^name\b', text, flags=re.MULTILINE)[1:]):
        width, height = _numbers(block, 'size', 2, number, path)
        K = _numbers(block, 'intrinsic', 16, number, path).reshape(4, 4)
        extrinsic = _numbers(block, 'extrinsic', 16, number, path).reshape(4, 4)
        SIDE.demand(np.array([width, height]), path, f'camera {number}: size')
        cameras.append(
            Camera(
                check_intrinsics(K[:3, :3], file=path, field=f'camera {number}: intrinsic'),
                extrinsic[:3, :3],
                extrinsic[:3, 3],
                (int(width), int(height)),
            )
        )
    if len(cameras) < NUM_CAMERAS:
        raise UserError(
            f'it holds {len(cameras)} cameras, not {NUM_CAMERAS}', file=path, remedy='download the file again'
        )
    return cameras


def read_test(path: Path) -> TestSequence:
    """A test sequence out of ``annot_data.mat``; no camera is published for it, so K is fitted.

    Raises:
        UserError: The file is damaged, has another layout, or no camera fits it.
    """
    with open_hdf5(path) as file:
        valid = file.array('valid_frame', None, 1)[:, 0] > 0
        frames = len(valid)
        px = file.array('annot2', frames, 1, 17, 2)[:, 0].astype(float)
        points, universal = (
            file.array(name, frames, 1, 17, 3)[:, 0].astype(float) for name in ('annot3', 'univ_annot3')
        )
        activity = file.array('activity_annotation', frames, 1)[:, 0].astype(int)
    if not valid.any():
        raise UserError('no frame of it counts', file=path, field='valid_frame', remedy='download the file again')
    K, off_px = fit_pinhole(px[valid], points[valid])
    if not off_px <= _FIT_LIMIT_PX:
        raise UserError(
            f'no camera projects annot3 onto annot2: the best is off by {off_px:.3g} px',
            file=path,
            field='annot2',
            remedy='download the file again',
        )
    return TestSequence(
        Keypoints(px, points, universal), valid, activity, check_intrinsics(K, file=path, field='annot2')
    )


def fit_pinhole(keypoints_px: np.ndarray, points_mm: np.ndarray) -> tuple[np.ndarray, float]:
    """The K without skew that projects points (*, 3) nearest to keypoints (*, 2), and what is left, RMS px."""
    x, y, z = points_mm.reshape(-1, 3).T
    K, left = np.eye(3), []
    for axis, ratio in enumerate((x / z, y / z)):
        columns = np.stack([ratio, np.ones_like(ratio)], 1)
        seen = keypoints_px.reshape(-1, 2)[:, axis]
        K[axis, [axis, 2]] = np.linalg.lstsq(columns, seen, rcond=None)[0]
        left.append(columns @ K[axis, [axis, 2]] - seen)
    return K, float(np.sqrt((np.square(left).sum(0)).mean()))


def _cell(cells: np.ndarray, camera: int, width: int, path: Path, name: str) -> np.ndarray:
    """(N, 28, width) of one camera."""
    cells = np.ravel(cells)
    if cells.dtype != object or len(cells) < NUM_CAMERAS:
        raise UserError(
            f'it is no cell array of {NUM_CAMERAS} cameras',
            file=path,
            field=name,
            remedy='use the annot.mat of the original archive',
        )
    values = np.asarray(cells[camera], float)
    if values.ndim != 2 or values.shape[1] != 28 * width or not (np.abs(values) <= MAX_MM).all():
        raise UserError(
            f'camera {camera} holds no finite N × {28 * width} numbers',
            file=path,
            field=name,
            remedy='use the annot.mat of the original archive',
        )
    return values.reshape(len(values), 28, width)


def _numbers(block: str, word: str, count: int, camera: int, path: Path) -> np.ndarray:
    found = re.search(rf'^[ \t]*{word}[ \t]+(.*)$', block, flags=re.MULTILINE)
    try:
        numbers = np.array([float(number) for number in found[1].split()]) if found else np.empty(0)
    except ValueError:
        numbers = np.empty(0)
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise UserError(
            f'camera {camera} has no {count} numbers there', file=path, field=word, remedy='download the file again'
        )
    return numbers
