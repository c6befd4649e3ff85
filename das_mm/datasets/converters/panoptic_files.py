"""The files of CMU Panoptic: calibrations, bodies, extracted images, lists of frames (datasets.md §4.1, §4.2).

Calibrations and bodies are in cm, in a world whose y axis points down; what leaves this module is in mm.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from das_mm.engine.json_files import read_json
from das_mm.errors import UserError
from das_mm.structures import check_intrinsics, project

from ..annotations.rules import POINTS_3D, SIDE
from ..annotations.values import as_numbers, as_whole_number

_MM_PER_CM = 10.0
_BODY_FILE = re.compile(r'body3DScene_(\d+)\.json')
_ENDINGS = ('.jpg', '.png')  # as the extraction script names them, the more usual one first


@dataclass(frozen=True)
class BodySource:
    """One of the two sets of joints in which bodies come.

    Attributes:
        folder: Of the json files, below the sequence. key: Of a body's numbers. keypoint_set: Their names.
        up, down: What the box of the released converter adds above and below the joints, as a share of their height.
        skipped: Joints that neither count nor make the box (the nose: it came later than the boxes).
    """

    folder: str
    key: str
    keypoint_set: str
    up: float
    down: float
    skipped: tuple[str, ...] = ()


BODY_SOURCES = {
    'coco19': BodySource('hdPose3d_stage1_coco19', 'joints19', 'panoptic19', 0.30, 0.15, ('nose',)),
    'mpi15': BodySource('hdPose3d_stage1', 'joints15', 'panoptic15_mpi', 0.02, 0.07),
}


@dataclass(frozen=True)
class Body:
    """Joints (J, 3) world mm, their confidence (J,), -1 where missing, and the sequence's number of the person."""

    points_mm: np.ndarray
    confidence: np.ndarray
    track_id: int


@dataclass(frozen=True)
class HDCamera:
    """K (3, 3) px, dist (5,) of OpenCV, R (3, 3) and T (3,) mm world to camera, size (width, height) px."""

    K: np.ndarray
    dist: np.ndarray
    R: np.ndarray
    T_mm: np.ndarray
    size: tuple[int, int]

    def to_camera(self, points_mm: np.ndarray) -> np.ndarray:
        """World points (*, 3) mm in the camera frame."""
        return points_mm @ self.R.T + self.T_mm

    def see(self, points_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (*, 2) of camera-space points (*, 3) mm, and where the lens model holds (*,).

        It does not behind the camera, nor so far off the axis that the fitted polynomial turns back: it would put
        such a point into the picture.
        """
        front = points_mm[..., 2] > 0
        points_mm = np.where(front[..., None], points_mm, [0, 0, 1])
        tangents = points_mm[..., :2] / points_mm[..., 2:]
        holds = front & ((tangents**2).sum(-1) < greatest_square_radius(self.dist))
        return project(points_mm, self.K, self.dist), holds


def greatest_square_radius(dist: np.ndarray) -> float:
    """Up to which r² = (x² + y²) / z² the distorted radius r (1 + k1 r² + k2 r⁴ + k3 r⁶) grows with r; may be inf.

    Args:
        dist: (5,) k1, k2, p1, p2, k3.
    """
    k1, k2, _, _, k3 = dist
    roots = np.roots([7 * k3, 5 * k2, 3 * k1, 1])  # of the derivative, in r²
    turns = roots[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)].real
    return float(turns.min()) if len(turns) else float('inf')


def read_hd_camera(path: Path, name: str) -> HDCamera:
    """One HD camera of a calibration file.

    Raises:
        UserError: The file is damaged, has no such camera, or the camera's numbers are impossible.
    """
    cameras = _read_json(path).get('cameras')
    if not isinstance(cameras, list):
        raise UserError('is missing or no list', file=path, field='cameras', remedy='download the calibration again')
    of_type = [camera for camera in cameras if isinstance(camera, dict) and camera.get('type') == 'hd']
    camera = next((camera for camera in of_type if camera.get('name') == name), None)
    if camera is None:
        raise UserError(
            f'has no HD camera {name!r}',
            file=path,
            field='cameras',
            remedy='use some of: ' + ', '.join(str(camera.get('name')) for camera in of_type),
        )
    field = f'cameras ({name})'
    part = {
        key: _numbers(camera.get(key), shape, path, f'{field}.{key}')
        for key, shape in dict(K=(3, 3), distCoef=(5,), R=(3, 3), t=(3,), resolution=(2,)).items()
    }
    if np.abs(part['R'] @ part['R'].T - np.eye(3)).max() > 1e-3 or np.linalg.det(part['R']) < 0:
        raise UserError(
            f'is no rotation: {part["R"].tolist()}',
            file=path,
            field=f'{field}.R',
            remedy='download the calibration again',
        )
    SIDE.demand(part['resolution'], path, f'{field}.resolution')
    width, height = part['resolution'].astype(int).tolist()
    return HDCamera(
        check_intrinsics(part['K'], file=path, field=f'{field}.K'),
        part['distCoef'],
        part['R'],
        _MM_PER_CM * part['t'],
        (width, height),
    )


def calibration_file(root: Path, seq: str) -> Path:
    """Where the cameras of a sequence are."""
    return root / seq / f'calibration_{seq}.json'


def image_folder(root: Path, seq: str, camera: str) -> Path:
    """Where the extracted images of a camera are."""
    return root / seq / 'hdImgs' / camera


def find_source(root: Path, seq: str, order: tuple[str, ...]) -> str | None:
    """The first of these BODY_SOURCES that a sequence has; None if it has none."""
    return next((name for name in order if body_files(root / seq / BODY_SOURCES[name].folder)), None)


def body_files(folder: Path) -> dict[int, Path]:
    """Frame -> body file, ascending; empty where there is no such folder."""
    names = os.listdir(folder) if folder.is_dir() else []
    found = {int(match.group(1)): folder / match.group(0) for match in map(_BODY_FILE.fullmatch, names) if match}
    return dict(sorted(found.items()))


def image_files(folder: Path, camera: str) -> dict[int, Path]:
    """Frame -> extracted image of a camera; jpg goes before png."""
    found: dict[int, Path] = {}
    for name in sorted(os.listdir(folder)) if folder.is_dir() else []:
        stem, ending = os.path.splitext(name)
        number = stem.removeprefix(f'{camera}_')
        if ending in _ENDINGS and stem.startswith(f'{camera}_') and number.isdigit():
            found.setdefault(int(number), folder / name)
    return found


class DamagedBodies(ValueError):
    """The bodies of a frame cannot be read. ``kind``: as it is counted; ``error``: what is wrong."""

    def __init__(self, kind: str, error: UserError):
        super().__init__(str(error))
        self.kind, self.error = kind, error


def read_bodies(path: Path, source: BodySource) -> list[Body]:
    """The people of a frame.

    Raises:
        DamagedBodies: The file is no json at all (some of the archive are not), or not as documented.
    """
    try:
        content = read_json(path)
    except UserError as error:
        raise DamagedBodies('body files that are no json', error) from None
    bodies = content.get('bodies') if isinstance(content, dict) else None
    people = []
    try:
        if not isinstance(bodies, list):
            raise UserError('is missing or no list', file=path, field='bodies', remedy='extract the archive again')
        for number, body in enumerate(bodies):
            field = f'bodies[{number}].{source.key}'
            numbers = body.get(source.key) if isinstance(body, dict) else None
            rows = _numbers(numbers, (int(source.key.removeprefix('joints')), 4), path, field)
            points_mm = _MM_PER_CM * rows[:, :3]
            POINTS_3D.demand(points_mm, path, field)
            track_id = as_whole_number(body.get('id'))
            people.append(Body(points_mm, rows[:, 3], -1 if track_id is None else track_id))
    except UserError as error:
        raise DamagedBodies('body files that are damaged', error) from None
    return people


def read_frame_list(path: Path) -> dict[tuple[str, str], list[int]]:
    """(sequence, camera) -> frames, of a text file with one `sequence camera frame` a line; # begins a comment.

    Raises:
        UserError: The file or a line of it cannot be read.
    """
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()  # a byte order mark is no part of a name
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'cannot be read ({error})', file=path, field='--frame-list', remedy='check the path') from None
    frames: dict[tuple[str, str], set[int]] = {}
    for number, line in enumerate(lines, 1):
        words = line.partition('#')[0].split()
        if not words:
            continue
        if len(words) != 3 or not words[2].isdigit():
            raise UserError(
                f'{line!r} is not `sequence camera frame`',
                file=path,
                field=f'line {number}',
                remedy='write, for instance: 160422_haggling1 00_16 1234',
            )
        frames.setdefault((words[0], words[1]), set()).add(int(words[2]))
    if not frames:
        raise UserError(
            'the list is empty', file=path, field='--frame-list', remedy='write one `sequence camera frame` a line'
        )
    return {key: sorted(value) for key, value in frames.items()}


def _read_json(path: Path) -> dict:
    content = read_json(path, what='the calibration', absent='download it', remedy='download it again')
    if not isinstance(content, dict):
        raise UserError(f'is a {type(content).__name__}, not an object', file=path, remedy='download it again')
    return content


def _numbers(value: object, shape: tuple[int, ...], path: Path, field: str) -> np.ndarray:
    array = as_numbers(value)
    if array is None or array.size != np.prod(shape, dtype=int) or not np.isfinite(array).all():
        raise UserError(
            f'is not {"x".join(map(str, shape))} finite numbers',
            file=path,
            field=field,
            remedy='download or extract the file again',
        )
    return array.reshape(shape)
