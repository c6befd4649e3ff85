"""Writes Human3.6M's archives with extracted frames."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from das_mm.errors import UserError

from .base import Layout, SceneGroundTruth
from .one_person import Sighting, deal, follow, retake, write_jpeg

_SUBJECTS = {'train': (1, 5, 6, 7, 8), 'test': (9, 11)}
_CAMERAS = ('54138969', '55011271', '58860488', '60457274')
_ACTIONS = (
    '_ALL',
    'Directions',
    'Discussion',
    'Eating',
    'Greeting',
    'Phoning',
    'Posing',
    'Purchases',
    'Sitting',
    'SittingDown',
    'Smoking',
    'TakingPhoto',
    'Waiting',
    'Walking',
    'WalkingDog',
    'WalkTogether',
)
_OTHER_NAMES = {'TakingPhoto': 'Photo', 'WalkingDog': 'WalkDog'}  # in the files of some subjects
# the 32 joints, right leg first; copies and the ends of feet and hands stand near
_JOINTS = (
    'pelvis',
    'right_hip',
    'right_knee',
    'right_ankle',
    'right_foot',
    'right_toe',
    'left_hip',
    'left_knee',
    'left_ankle',
    'left_foot',
    'left_toe',
    'pelvis',
    'spine',
    'neck',
    'jaw',
    'head_h36m',
    'neck',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
    'left_wrist',
    'left_hand',
    'left_hand',
    'left_hand',
    'neck',
    'right_shoulder',
    'right_elbow',
    'right_wrist',
    'right_wrist',
    'right_hand',
    'right_hand',
    'right_hand',
)
# of the four cameras, over the longer side of the image: the generator's cameras differ more than the real ones, so
# each clip goes to the camera that is nearest to its own
_FOCALS = (0.72, 0.9, 1.12, 1.4)
_RADIAL, _TANGENTIAL = np.array([-0.2071, 0.2478, -0.0031]), np.array([-0.00142, -0.00098])


class H36MLayout(Layout):
    """Each clip is a take before one camera.

    The world is that of a studio with four cameras around its middle; the people are where the camera sees them.
    """

    name = 'h36m'
    kind = 'clips'
    splits = ('train', 'test')

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        self.check_split(split)
        root, clips = Path(root), follow(scenes)
        size = (scenes[0].width, scenes[0].height)
        root.mkdir(parents=True, exist_ok=True)
        _write_metadata(root / 'metadata.xml', size)
        takes = [
            (subject, action, trial) for action in _ACTIONS[1:] for trial in (1, 2) for subject in _SUBJECTS[split]
        ]
        for (subject, action, trial), sightings in deal(clips, takes):
            _write_take(root, subject, _prefix(subject, action, trial), sightings)


def _write_take(root: Path, subject: int, prefix: str, sightings: list[Sighting]) -> None:
    people = [sighting.person for sighting in sightings]
    points = np.array([[person.keypoints_mm[name] for name in _JOINTS] for person in people])  # (N, 32, 3)
    scene = sightings[0].scene
    size = (scene.width, scene.height)
    camera = int(np.argmin(np.abs(np.log(np.array(_FOCALS) * max(size) / scene.K[0, 0]))))
    K, (R, centre) = _intrinsics(camera, size), _place(subject, camera)
    px = _seen(points[..., :2] / points[..., 2:]) * K[[0, 1], [0, 1]] + K[:2, 2]
    features = root / f'S{subject}' / 'MyPoseFeatures'
    _write_pose(features / 'D2_Positions' / f'{prefix}.{_CAMERAS[camera]}.cdf', px)
    _write_pose(features / 'D3_Positions_mono' / f'{prefix}.{_CAMERAS[camera]}.cdf', points)
    _write_pose(features / 'D3_Positions' / f'{prefix}.cdf', points @ R + centre)
    name = f'S{subject}_{prefix.replace(" ", "_")}.{_CAMERAS[camera]}'
    for number, sighting in enumerate(sightings):
        path = root / 'images' / f'S{subject}' / name / f'{name}_{number + 1:06d}.jpg'
        write_jpeg(path, retake(sighting.scene, K, _seen))


def _write_pose(path: Path, values: np.ndarray) -> None:
    try:
        from cdflib.cdfwrite import CDF
    except ImportError:
        raise UserError('cdflib is needed to write CDF files', remedy='pip install das_mm[data]') from None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    rows = values.reshape(1, len(values), -1).astype(np.float32)
    file = CDF(str(path))
    file.write_var(
        dict(
            Variable='Pose',
            Data_Type=CDF.CDF_REAL4,
            Num_Elements=1,
            Rec_Vary=True,
            Dim_Sizes=list(rows.shape[1:]),
            Var_Type='zVariable',
        ),
        var_data=rows,
    )
    file.close()


def _write_metadata(path: Path, size: tuple[int, int]) -> None:
    root = ElementTree.Element('H36M')
    mapping = ElementTree.SubElement(root, 'mapping')
    subjects = range(1, 12)
    _add_row(mapping, ['', '', *(f'S{subject}' for subject in subjects)])
    for number, action in enumerate(_ACTIONS):
        for trial in (1, 2):
            names = [_prefix(subject, action, trial) for subject in subjects]
            _add_row(mapping, [str(number + 1), str(trial), *names])
    names = ElementTree.SubElement(root, 'actionnames')
    for action in _ACTIONS:
        ElementTree.SubElement(names, 'name').text = action
    ids = ElementTree.SubElement(ElementTree.SubElement(root, 'dbcameras'), 'index2id')
    for camera in _CAMERAS:
        ElementTree.SubElement(ids, 'id').text = camera
    numbers = []
    for camera in range(len(_CAMERAS)):
        for subject in subjects:
            R, centre = _place(subject, camera)
            numbers += [*_angles(R), *centre]
    for camera in range(len(_CAMERAS)):
        K = _intrinsics(camera, size)
        numbers += [K[0, 0], K[1, 1], K[0, 2], K[1, 2], *_RADIAL, *_TANGENTIAL]
    ElementTree.SubElement(root, 'w0').text = f'[{" ".join(repr(float(number)) for number in numbers)}]'
    ElementTree.ElementTree(root).write(path)


def _add_row(table: ElementTree.Element, cells: Sequence[str]) -> None:
    row = ElementTree.SubElement(table, 'tr')
    for cell in cells:
        ElementTree.SubElement(row, 'td').text = cell


def _prefix(subject: int, action: str, trial: int) -> str:
    """How the files of a take begin: the first trial has a number, the second none."""
    action = _OTHER_NAMES.get(action, action) if subject % 2 == 0 else action
    return f'{action} 1' if trial == 1 else action


def _intrinsics(camera: int, size: tuple[int, int]) -> np.ndarray:
    """(3, 3) of a camera; by the size of the image alone, so that splits written one after the other agree."""
    focal = _FOCALS[camera] * max(size)
    return np.array([[focal, 0, 0.51 * size[0]], [0, 0.999 * focal, 0.51 * size[1]], [0, 0, 1]])


def _seen(normalised: np.ndarray) -> np.ndarray:
    """Through the lens: (*, 2) normalised coordinates."""
    x, y = normalised[..., 0], normalised[..., 1]
    r2 = x**2 + y**2
    gain = 1 + sum(k * r2 ** (power + 1) for power, k in enumerate(_RADIAL)) + _TANGENTIAL[0] * y + _TANGENTIAL[1] * x
    return np.stack([x * gain + _TANGENTIAL[1] * r2, y * gain + _TANGENTIAL[0] * r2], -1)


def _place(subject: int, camera: int) -> tuple[np.ndarray, np.ndarray]:
    """R (3, 3) and centre (3,) mm with X_cam = R·(X - centre); the world's z points up."""
    angle = np.pi / 2 * camera + 0.7 + 0.02 * subject
    centre = np.array([5000 * np.cos(angle), 5000 * np.sin(angle), 1600])
    forward = np.array([0, 0, 900.0]) - centre
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward]), centre


def _angles(R: np.ndarray) -> np.ndarray:
    """(a, b, c) rad with R = Rx(a)·Ry(b)·Rz(c)."""
    return np.array([np.arctan2(-R[1, 2], R[2, 2]), np.arcsin(R[0, 2]), np.arctan2(-R[0, 1], R[0, 0])])
