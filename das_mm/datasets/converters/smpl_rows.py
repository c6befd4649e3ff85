"""The SMPL file beside a converted annotation file: one row a person, plain arrays (datasets.md §2.2).

A converter gives a person's parameters as the entry ``smpl`` of its annotation; while the file is written they become a
row here, and the annotation keeps the row's number.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from das_mm.engine import atomic_write
from das_mm.errors import UserError

_DECIMALS = 6  # of rad, of m and of betas
_SHAPES = dict(global_orient=(3,), body_pose=(23, 3), betas=(10,), transl=(3,))
GENDERS = ('m', 'f', 'n')


def smpl_entry(
    global_orient: np.ndarray, body_pose: np.ndarray, betas: np.ndarray, transl_m: np.ndarray, gender: str = 'n'
) -> dict:
    """``smpl`` of an annotation while it is converted.

    Args:
        global_orient: (3,) axis-angle, rad, camera frame. body_pose: (23, 3) or (69,) axis-angle, rad.
        betas: (10,), of the body of that gender ('m', 'f' or 'n').
        transl_m: (3,) m, camera frame; added to the body that turns about its rest pelvis.

    Raises:
        UserError: A shape that does not fit, or a number that is not finite.
    """
    entry = {}
    for (name, shape), value in zip(_SHAPES.items(), (global_orient, body_pose, betas, transl_m)):
        value = np.asarray(value, np.float64)
        if value.size != np.prod(shape) or not np.isfinite(value).all():
            raise UserError(
                f'{name} must be {" × ".join(map(str, shape))} finite numbers, got an array of {value.shape}',
                field=name,
                remedy='look at the source file',
            )
        entry[name] = np.round(value.reshape(shape), _DECIMALS).tolist()
    if gender not in GENDERS:
        raise UserError(f'{gender!r} is no gender', field='gender', remedy=f'use one of {", ".join(GENDERS)}')
    return entry | dict(gender=gender)


class SMPLRows:
    """Collects rows in the order of the annotations.

    Args:
        keypoint_set: Name under which ``keypoints2d`` and ``keypoints3d`` are stored.
    """

    def __init__(self, keypoint_set: str):
        self.keypoint_set = keypoint_set
        self._columns: dict[str, list] = {
            name: []
            for name in (
                *_SHAPES,
                'gender',
                'image_path',
                'bbox_xywh',
                'keypoints2d',
                'keypoints3d',
                'track_id',
                'is_valid',
            )
        }
        self._cameras: dict[str, list] = {'cam_K': [], 'cam_R': [], 'cam_T': []}
        self._ends: list[int] = []

    def __len__(self) -> int:
        return len(self._columns['gender'])

    def take(self, image: dict, people: Sequence[dict]) -> None:
        """Replaces the parameters of an image's people by the numbers of their rows; to be called once an image."""
        for person in people:
            if 'smpl' in person:
                self._add(image, person, person['smpl'])
                person['smpl'] = len(self) - 1
        self._ends.append(len(self))
        camera = image.get('cam_param') or {}
        for (name, column), shape in zip(self._cameras.items(), ((3, 3), (3, 3), (3,))):
            value = camera.get(name.removeprefix('cam_'))
            column.append(np.full(shape, np.nan) if value is None else np.asarray(value, np.float64))

    def _add(self, image: dict, person: dict, parameters: dict) -> None:
        seen = np.asarray(person['keypoints'], np.float64).reshape(-1, 3)
        points_mm = person.get('keypoints_3d')
        points = np.zeros((len(seen), 4))
        if points_mm is not None:
            points = np.column_stack([np.asarray(points_mm) / 1000, person['keypoints_3d_valid']])
        row = dict(
            **{name: np.asarray(parameters[name], np.float32) for name in _SHAPES},
            gender=parameters['gender'],
            image_path=image['file_name'],
            bbox_xywh=np.append(person['bbox'], 1.0).astype(np.float32),
            keypoints2d=np.column_stack([seen[:, :2], seen[:, 2] > 0]).astype(np.float32),
            keypoints3d=points.astype(np.float32),
            track_id=int(person.get('track_id', -1)),
            is_valid=bool(person.get('is_valid', True)),
        )
        for name, column in self._columns.items():
            column.append(row[name])

    def write(self, path: Path) -> None:
        """The npz, readable without pickle. Its names: datasets.md §2.2.

        Raises:
            UserError: It cannot be written.
        """
        ends = np.array(self._ends, np.int64)
        arrays = {name: np.array(column) for name, column in self._columns.items()}
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            **arrays,
            **{name: np.array(column) for name, column in self._cameras.items()},
            has_smpl=np.ones(len(self), bool),
            keypoints_convention=np.array(self.keypoint_set),
            body_model=np.array('smpl'),
            frame_range=np.stack([np.append(0, ends[:-1]), ends], axis=1),
        )
        atomic_write(path, buffer.getvalue())
