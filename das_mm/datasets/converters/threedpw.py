"""3DPW (von Marcard et al., ECCV 2018): people with SMPL parameters in videos of a hand-held camera.

Everything is in metres in a world frame, with the camera's pose for each image; image numbers are array indices, while
``img_frame_ids`` count at 60 Hz. Letters: N frames, P people.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from das_mm.engine.array_files import numbers_of
from das_mm.engine.restricted_pickle import load_pickle
from das_mm.errors import UserError
from das_mm.structures import project
from das_mm.structures.rotations import axis_angle_to_matrix, matrix_to_axis_angle

from .base import Converter, Job, Part, camera_entry, flags_in_image, image_size, person_entry
from .smpl_rows import GENDERS, smpl_entry

_NEAREST_MM = 100.0  # what is nearer to the camera's plane cannot be projected
_DETECTED = 0.3  # confidence of a 2D detection that counts (VIBE)
_PELVIS_TOLERANCE_MM = 5.0
# key -> shape of each person's array, N frames
_PERSON_SHAPES = {'poses': (72,), 'trans': (3,), 'jointPositions': (72,), 'poses2d': (3, 18), 'campose_valid': ()}
_IMAGE_NUMBER = re.compile(r'image_(\d{5})\.jpg')


class ThreeDPWConverter(Converter):
    """Joints are SMPL's 24 as the archive has them (``jointPositions``), the body parameters go to the SMPL file.

    No body model is needed. The rest pelvis that SMPL turns about is ``jointPositions[0] - trans``.

    Args:
        root: Folder with ``imageFiles`` and ``sequenceFiles``.
        split: 'train', 'validation' or 'test'.
        least_joints: People with fewer joints detected in 2D (confidence above 0.3) are not evaluated and not learnt.
            The literature takes 7 (VIBE, ROMP); by default nobody is left out for that.
    """

    name, title, keypoint_set = '3dpw', '3DPW', 'smpl24'
    splits = ('train', 'validation', 'test')
    tree = (
        '3DPW/\n'
        '  imageFiles/courtyard_arguing_00/image_00000.jpg …\n'
        '  sequenceFiles/{train,validation,test}/courtyard_arguing_00.pkl …'
    )
    reprojection_limit_px = 0.5

    def __init__(self, root: str | Path, split: str = 'train', least_joints: int = 0):
        super().__init__(root, split)
        self.least_joints = least_joints

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            '--least-joints',
            type=int,
            metavar='N',
            help='leave out people with fewer joints detected in 2D (VIBE and ROMP: 7; default 0)',
        )

    def expected(self) -> dict[str, str]:
        return {'sequences': dict(train='24', validation='12', test='24')[self.split]}

    def jobs(self) -> list[Job]:
        folder = self.require(self.root / 'sequenceFiles' / self.split, f'the folder of the split {self.split!r}')
        return [
            Job(path.stem, dict(path=str(path)), [path, self.root / 'imageFiles' / path.stem])
            for path in sorted(folder.glob('*.pkl'))
        ]

    def convert(self, job: Job) -> Part:
        path, part = Path(job.arguments['path']), Part()
        sequence = _Sequence(path)
        files = self._images(job.name)
        frames = min(sequence.num_frames, max(files, default=-1) + 1)
        if sequence.num_frames != len(files) or sequence.num_frames != frames:
            part.notes.append(
                f'{job.name}: {len(files)} images for {sequence.num_frames} frames; those with both are taken'
            )
        if sequence.pelvis_spread_mm > _PELVIS_TOLERANCE_MM:
            part.notes.append(
                f'{job.name}: joints and translations of a person differ by up to '
                f'{sequence.pelvis_spread_mm:.0f} mm from frame to frame; the joints are taken'
            )
        size = None
        for frame in range(frames):
            if frame not in files:
                part.counts['frames without image'] += 1
                continue
            size = size or image_size(files[frame])  # one camera, one size
            if size is None:
                part.counts['images that cannot be read'] += 1
                continue
            part.images.append(
                dict(
                    file_name=files[frame].relative_to(self.root).as_posix(),
                    width=size[0],
                    height=size[1],
                    seq=job.name,
                    frame=frame,
                    has_3d=True,
                    cam_param=camera_entry(sequence.K, sequence.R[frame], 1000 * sequence.t_m[frame]),
                    annotations=self._people(sequence, frame, size, part.counts),
                )
            )
        return part

    def _images(self, name: str) -> dict[int, Path]:
        """Number -> file; one listing instead of thousands of questions to a slow disk."""
        folder = self.require(self.root / 'imageFiles' / name, "the folder of a sequence's images")
        found = ((_IMAGE_NUMBER.fullmatch(path.name), path) for path in folder.iterdir())
        return {int(match[1]): path for match, path in found if match}

    def _people(self, sequence: _Sequence, frame: int, size: tuple[int, int], counts: Counter) -> list[dict]:
        people = []
        for person in range(sequence.num_people):
            points_mm = 1000 * sequence.joints_m(person, frame)
            known = np.isfinite(points_mm).all(-1) & (points_mm[:, 2] > _NEAREST_MM)
            seen = np.where(known[:, None], project(np.where(known[:, None], points_mm, 1.0), sequence.K), 0.0)
            flags = flags_in_image(seen, known, size)
            if not (flags == 2).any():
                counts['people dropped: out of the image'] += 1
                continue
            detected = sequence.num_detected(person, frame)
            is_valid = bool(sequence.campose_valid[person][frame]) and detected >= self.least_joints
            counts['people of no valid frame'] += not is_valid
            counts['people without 2D detection'] += detected == 0
            parameters = sequence.parameters(person, frame)
            counts['people dropped from SMPL: numbers not finite'] += parameters is None
            people.append(
                person_entry(
                    self.keypoint_set,
                    seen,
                    flags,
                    size,
                    points_mm=points_mm,
                    valid_3d=known,
                    track_id=person,
                    is_valid=is_valid,
                    smpl=parameters,
                )
            )
        return people


class _Sequence:
    """One ``sequenceFiles/*/*.pkl``, checked; camera frame, metres.

    Attributes:
        K: (3, 3) px. R: (N, 3, 3) and t_m: (N, 3), world to camera. campose_valid: P arrays (N,) bool.
        pelvis_spread_mm: How far ``jointPositions[0] - trans`` moves in valid frames; it is one point of a rigid body.
    """

    def __init__(self, path: Path):
        self.path = path
        stored = load_pickle(path)
        if not isinstance(stored, Mapping):
            self._fail(None, f'it holds a {type(stored).__name__}, not a dict')
        poses = self._field(stored, 'poses')
        if not _is_list(poses) or not len(poses):
            self._fail('poses', 'it is no list with an entry for each person')
        self.num_people = len(poses)
        people = {
            key: [self._array(stored, key, row, (None, *shape)) for row in range(self.num_people)]
            for key, shape in _PERSON_SHAPES.items()
        }
        camera = self._array(stored, 'cam_poses', None, (None, 4, 4))
        self.num_frames = min(len(array) for array in (camera, *(a for arrays in people.values() for a in arrays)))
        if not self.num_frames:
            self._fail('cam_poses', 'it has no frame')
        self.K = self._array(stored, 'cam_intrinsics', None, (3, 3))
        self.R, self.t_m = camera[: self.num_frames, :3, :3], camera[: self.num_frames, :3, 3]
        if (
            not (np.isfinite(camera).all() and np.isfinite(self.K).all())
            or abs(np.linalg.det(self.K)) < 1e-9
            or np.abs(self.R @ self.R.swapaxes(1, 2) - np.eye(3)).max() > 1e-3
        ):
            self._fail('cam_poses', 'the cameras are no rotations and translations with finite intrinsics')
        self.betas = [self._array(stored, 'betas', row, (None,))[:10] for row in range(self.num_people)]
        for row, betas in enumerate(self.betas):
            if len(betas) < 10 or not np.isfinite(betas).all():
                self._fail(f'betas[{row}]', 'it is not 10 finite numbers or more')
        self.genders = [self._gender(stored, row) for row in range(self.num_people)]
        self.campose_valid = [array > 0 for array in people['campose_valid']]
        self._poses, self._trans, self._poses2d = people['poses'], people['trans'], people['poses2d']
        self._joints = [array.reshape(-1, 24, 3) for array in people['jointPositions']]
        self._pelvis = [self._rest_pelvis(row) for row in range(self.num_people)]
        self.pelvis_spread_mm = max(spread for _, spread in self._pelvis)

    def joints_m(self, person: int, frame: int) -> np.ndarray:
        """(24, 3)."""
        return self._joints[person][frame] @ self.R[frame].T + self.t_m[frame]

    def num_detected(self, person: int, frame: int) -> int:
        """Joints of COCO's 18 found in the image."""
        return int((self._poses2d[person][frame, 2] > _DETECTED).sum())

    def parameters(self, person: int, frame: int) -> dict | None:
        """SMPL parameters in the camera frame; None where a number is not finite.

        The root turns about the rest pelvis p, so a body at trans in the world is seen at R·(p + trans) + t - p, and
        p + trans is the pelvis joint of the frame.
        """
        pose = self._poses[person][frame].reshape(24, 3)
        pelvis = self._pelvis[person][0]
        transl = self.R[frame] @ self._joints[person][frame, 0] + self.t_m[frame] - pelvis
        if not (np.isfinite(pose).all() and np.isfinite(transl).all()):
            return None
        orient = matrix_to_axis_angle(self.R[frame] @ axis_angle_to_matrix(pose[0]))
        if not np.isfinite(orient).all():  # of numbers beyond any angle
            return None
        return smpl_entry(orient, pose[1:], self.betas[person], transl, self.genders[person])

    def _rest_pelvis(self, person: int) -> tuple[np.ndarray, float]:
        """(3,) m, and how far it moves over the frames, mm."""
        places = self._joints[person][: self.num_frames, 0] - self._trans[person][: self.num_frames]
        places = places[self.campose_valid[person][: self.num_frames] & np.isfinite(places).all(1)]
        if not len(places):
            return np.full(3, np.nan), 0.0
        pelvis = np.median(places, axis=0)
        return pelvis, 1000 * float(np.linalg.norm(places - pelvis, axis=1).max())

    def _field(self, stored: Mapping, key: str):
        if key not in stored:
            self._fail(key, 'it is missing')
        return stored[key]

    def _array(self, stored: Mapping, key: str, row: int | None, shape: tuple[int | None, ...]) -> np.ndarray:
        """A field, or one person's entry of it, as numbers of that shape (None: any length)."""
        value, field = self._field(stored, key), key
        try:
            if row is not None:
                value, field = value[row], f'{key}[{row}]'
            array = numbers_of(value)
        except (IndexError, KeyError, TypeError, ValueError):
            self._fail(field, 'it holds no array of numbers')
        if array.ndim != len(shape) or any(want is not None and want != have for want, have in zip(shape, array.shape)):
            self._fail(
                field,
                f'its shape is {array.shape}, expected ('
                + ', '.join('N' if side is None else str(side) for side in shape)
                + ')',
            )
        return array

    def _gender(self, stored: Mapping, row: int) -> str:
        genders = self._field(stored, 'genders')
        known = _is_list(genders) and len(genders) > row
        gender = genders[row][:1] if known and isinstance(genders[row], str) else ''
        if gender not in GENDERS:
            self._fail(f'genders[{row}]', f'{gender!r} is no gender')
        return gender

    def _fail(self, field: str | None, problem: str) -> None:
        raise UserError(
            problem,
            file=self.path,
            field=field,
            remedy='unpack sequenceFiles.zip of 3DPW again; converted or repacked files will not do',
        )


def _is_list(value: object) -> bool:
    """Whether it has an entry for each person."""
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)
