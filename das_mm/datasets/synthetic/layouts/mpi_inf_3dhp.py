"""Writes MPI-INF-3DHP's archives with extracted frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.cameras import project

from .base import Layout, PersonGroundTruth, SceneGroundTruth
from .one_person import Sighting, deal, follow, retake, write_jpeg

_CAMERAS = 14
_FILMED = (0, 1, 2, 4, 5, 6, 7, 8)  # the cameras at the height of people: each sequence has the frames of one of them
_KNEE_TO_NECK_MM = 920.0  # of the universal skeleton
# the 28 joints of the training set; what the body model lacks stands near
_JOINTS = (
    'spine3',
    'spine3',
    'spine2',
    'spine',
    'pelvis',
    'neck',
    'head',
    'head_top',
    'left_collar',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
    'left_hand',
    'right_collar',
    'right_shoulder',
    'right_elbow',
    'right_wrist',
    'right_hand',
    'left_hip',
    'left_knee',
    'left_ankle',
    'left_foot',
    'left_toe',
    'right_hip',
    'right_knee',
    'right_ankle',
    'right_foot',
    'right_toe',
)
_TRAIN = tuple((subject, sequence) for subject in range(1, 9) for sequence in (1, 2))
_TEST = tuple(range(1, 7))


class MPIINF3DHPLayout(Layout):
    """Each clip is a sequence (or a part of one) that one camera has filmed; the other cameras are annotated only."""

    name = 'mpi-inf-3dhp'
    kind = 'clips'
    splits = ('train', 'test')

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        self.check_split(split)
        if split == 'train':
            for number, ((subject, sequence), sightings) in enumerate(deal(follow(scenes), _TRAIN)):
                folder = Path(root) / f'S{subject}' / f'Seq{sequence}'
                _write_training(folder, sightings, _FILMED[number % len(_FILMED)])
        else:
            for number, sightings in deal(follow(scenes), _TEST):
                _write_test(Path(root) / 'mpi_inf_3dhp_test_set' / f'TS{number}', sightings, activity=number)


def _write_training(folder: Path, sightings: list[Sighting], filmed: int) -> None:
    from scipy.io import savemat

    scene = sightings[0].scene
    metric = np.array([_joints(sighting.person, _JOINTS) for sighting in sightings])  # (N, 28, 3)
    universal = metric * np.array([_to_universal(sighting.person) for sighting in sightings])[:, None, None]
    centre = metric.mean((0, 1))
    cells = {name: np.empty((_CAMERAS, 1), object) for name in ('annot2', 'annot3', 'univ_annot3')}
    cameras = []
    for number in range(_CAMERAS):
        turn = _about_vertical(2 * np.pi * (number - filmed) / _CAMERAS)
        K = scene.K.copy()
        K[[0, 1], [0, 1]] *= 1 + 0.02 * (number - filmed)
        R, T = turn @ scene.R, turn @ (scene.T_mm - centre) + centre
        points = (metric - centre) @ turn.T + centre
        cells['annot2'][number, 0] = project(points, K).reshape(len(points), -1)
        cells['annot3'][number, 0] = points.reshape(len(points), -1)
        cells['univ_annot3'][number, 0] = ((universal - centre) @ turn.T + centre).reshape(len(points), -1)
        cameras.append((K, R, T))
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.arange(len(sightings))
    savemat(str(folder / 'annot.mat'), dict(cells, frames=numbers[:, None], cameras=np.arange(_CAMERAS)[None]))
    _write_calibration(folder / 'camera.calibration', cameras, (scene.width, scene.height))
    for number, sighting in enumerate(sightings):
        path = folder / 'imageFrames' / f'video_{filmed}' / f'frame_{number + 1:06d}.jpg'
        write_jpeg(path, retake(sighting.scene, scene.K))


def _write_calibration(path: Path, cameras: Sequence[tuple], size: tuple[int, int]) -> None:
    lines = ['Skeletool Camera Calibration File V1.0']
    for number, (K, R, T) in enumerate(cameras):
        intrinsic, extrinsic = np.eye(4), np.eye(4)
        intrinsic[:3, :3], extrinsic[:3, :3], extrinsic[:3, 3] = K, R, T
        lines += [
            f'name          {number}',
            '  sensor        10 10',
            f'  size          {size[0]} {size[1]}',
            '  animated      0',
            *(
                f'  {name}     {" ".join(f"{value:.9g}" for value in matrix.ravel())} '
                for name, matrix in (('intrinsic', intrinsic), ('extrinsic', extrinsic))
            ),
            '  radial        0',
        ]
    path.write_text('\n'.join(lines) + '\n')


def _write_test(folder: Path, sightings: list[Sighting], activity: int) -> None:
    try:
        import h5py
    except ImportError:
        raise UserError(
            'h5py is needed to write MATLAB files of version 7.3', remedy='pip install das_mm[data]'
        ) from None
    scene = sightings[0].scene
    points = np.array([sighting.person.mm('mupots17') for sighting in sightings])[:, None]  # (N, 1, 17, 3)
    universal = points * np.array([_to_universal(sighting.person) for sighting in sightings])[:, None, None, None]
    frames = len(sightings)
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / 'annot_data.mat', 'w') as file:  # MATLAB's axes in reverse, as h5py shows them
        file['annot2'], file['annot3'], file['univ_annot3'] = project(points, scene.K), points, universal
        file['valid_frame'] = np.array([[float(sighting.person.is_valid)] for sighting in sightings])
        file['activity_annotation'] = np.full((frames, 1), float(activity))
    for number, sighting in enumerate(sightings):
        write_jpeg(folder / 'imageSequence' / f'img_{number + 1:06d}.jpg', retake(sighting.scene, scene.K))


def _joints(person: PersonGroundTruth, names: Sequence[str]) -> np.ndarray:
    return np.array([person.keypoints_mm[name] for name in names])


def _to_universal(person: PersonGroundTruth) -> float:
    """Scale that gives the person the universal height."""
    knees, neck = _joints(person, ('left_knee', 'right_knee')), person.keypoints_mm['neck']
    hips = _joints(person, ('left_hip', 'right_hip')).mean(0)
    return _KNEE_TO_NECK_MM / float(np.linalg.norm(neck - hips) + np.linalg.norm(hips - knees.mean(0)))


def _about_vertical(angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
