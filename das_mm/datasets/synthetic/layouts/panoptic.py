"""The layout of CMU Panoptic after its download and extraction scripts (datasets.md §4)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from das_mm.engine import atomic_write

from .base import Layout, PersonGroundTruth, SceneGroundTruth
from .camera_views import CameraView, write_image

_SEQUENCES = {
    'train': (
        '160224_haggling1',
        '160224_mafia1',
        '160224_ultimatum1',
        '160224_mafia2',
        '160226_mafia2',
        '160224_ultimatum2',
    ),
    'test': (
        '160422_haggling1',
        '160422_mafia2',
        '160422_ultimatum1',
        '160906_pizza1',
        '160226_haggling1',
        '160226_mafia1',
    ),
}
_LEAST_SCENES = {'train': 4, 'test': 1}  # of a sequence: the training protocol skips every second frame
_FIRST_FRAME = 153
_FRAMES_PER_S = 29.97
_FULL_SIZE = (1920, 1080)
_CENTRE_CM = np.array([-190.0, -150.0, -230.0])  # of the cameras; the world's y axis points down
_MISSING, _UNSURE = 0.04, 0.03  # shares of the joints


class PanopticLayout(Layout):
    """Sequences with calibration, body files and extracted images of the cameras 00_16 and 00_30.

    Both cameras stand at the same place, the second turned about its axis: so one picture of a scene serves for both.
    People move in front of them: of a scene, the camera-space truth is kept, and the world is where the fixed camera
    puts it. Each sequence begins with a frame without people.

    Args:
        mpi15: Sequences that have the older 15 joints instead of coco19; 'all' for every one.
        image_ending: 'jpg' or 'png'.
    """

    name = 'panoptic'
    splits = ('train', 'test')

    def __init__(self, mpi15: str | Sequence[str] = (), image_ending: str = 'jpg'):
        self.mpi15, self.image_ending = mpi15, image_ending

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        names = _SEQUENCES[split][: max(1, len(scenes) // _LEAST_SCENES[split])]
        for seq, rows in zip(names, np.array_split(np.arange(len(scenes)), len(names))):
            self._write_sequence([scenes[row] for row in rows], Path(root), seq)

    def _write_sequence(self, scenes: list[SceneGroundTruth], root: Path, seq: str) -> None:
        views = hd_views((scenes[0].width, scenes[0].height))
        _write_json(root / seq / f'calibration_{seq}.json', _calibration(seq, views))
        old = self.mpi15 == 'all' or seq in self.mpi15
        folder = root / seq / ('hdPose3d_stage1' if old else 'hdPose3d_stage1_coco19')
        for number, scene in enumerate([None, *scenes]):
            frame = _FIRST_FRAME + number
            bodies = [] if scene is None else [_body(person, views['00_16'], frame, old) for person in scene.people]
            time_ms = round(1000 * frame / _FRAMES_PER_S, 3)
            _write_json(
                folder / f'body3DScene_{frame:08d}.json',
                dict(version=0.7, univTime=time_ms, fpsType='hd_29_97', bodies=bodies),
            )
            for name, view in views.items():
                picture = np.zeros((*view.size[::-1], 3), np.uint8) if scene is None else view.picture(scene)
                write_image(root / seq / 'hdImgs' / name / f'{name}_{frame:08d}.{self.image_ending}', picture)


def hd_views(size: tuple[int, int]) -> dict[str, CameraView]:
    """The HD cameras 00_16 and 00_30 for pictures of this size: lenses as those of the dome are."""
    scale = np.array(size) / _FULL_SIZE
    views = {}
    for name, (fx, fy, cx, cy), dist, roll_deg in (
        ('00_16', (1395.2, 1391.7, 951.3, 552.6), (-0.2849, 0.1874, -0.0006, 0.0009, -0.0521), 0.0),
        ('00_30', (1396.9, 1393.5, 947.1, 541.8), (-0.2867, 0.1911, 0.0007, -0.0004, -0.0583), 4.0),
    ):
        # one scale for both focal lengths keeps pixels square in a picture of another shape
        K = np.array([[fx * scale[0], 0, cx * scale[0]], [0, fy * scale[0], cy * scale[1]], [0, 0, 1]])
        turn = cv2.Rodrigues(np.radians([0, 0, roll_deg]))[0]
        views[name] = CameraView(K, (size[0], size[1]), np.array(dist), turn)
    return views


def _world_to_camera() -> tuple[np.ndarray, np.ndarray]:
    """R (3, 3), t (3,) cm of the camera 00_16: it looks slightly downwards across the dome."""
    yaw, _ = cv2.Rodrigues(np.radians([0, -35.0, 0]))
    pitch, _ = cv2.Rodrigues(np.radians([12.0, 0, 0]))
    R = pitch @ yaw
    return R, -R @ _CENTRE_CM


def _calibration(seq: str, views: dict[str, CameraView]) -> dict:
    R, t = _world_to_camera()
    cameras = []
    for name, kind in (('01_01', 'vga'), ('00_00', 'hd'), *((name, 'hd') for name in views), ('50_01', 'kinect-color')):
        view = views.get(name, views['00_16'])
        panel, node = map(int, name.split('_'))
        size = {'vga': [640, 480], 'kinect-color': [1920, 1080]}.get(kind, list(view.size))
        turn = view.turn if name in views else cv2.Rodrigues(np.radians([0, 40.0 + node, 0]))[0]
        cameras.append(
            dict(
                name=name,
                type=kind,
                resolution=size,
                panel=panel,
                node=node,
                K=view.K.tolist(),
                distCoef=view.dist.tolist(),
                R=(turn @ R).tolist(),
                t=(turn @ t)[:, None].tolist(),
            )
        )
    return dict(calibDataSource=f'{seq.split("_")[0]}_calib_norm', cameras=cameras)


def _body(person: PersonGroundTruth, view: CameraView, frame: int, old: bool) -> dict:
    """An entry of ``bodies``; a few joints are missing (confidence -1) or unsure."""
    R, t = _world_to_camera()
    points_cm = view.mm(person, 'panoptic15_mpi' if old else 'panoptic19') / 10
    world = (points_cm - t) @ R  # the transpose of R, from the left
    rng = np.random.default_rng([frame, person.track_id])
    confidence = rng.uniform(0.3, 0.95, len(world))
    lot = rng.random(len(world))
    confidence[lot < _UNSURE] = 0.05
    missing = lot > 1 - _MISSING
    confidence[missing], world[missing] = -1, 0
    rows = np.round(np.column_stack([world, confidence]), 4)
    return {'id': int(person.track_id), 'joints15' if old else 'joints19': rows.ravel().tolist()}


def _write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(content).encode())
