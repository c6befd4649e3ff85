"""Writes MPII Human Pose: the release's mat file and its images."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from das_mm.structures.keypoint_sets import KEYPOINT_SETS

from .base import Layout, PersonGroundTruth, SceneGroundTruth

_HEAD = ('upper_neck', 'head_top')  # is_visible of them is empty in the release


class MPIILayout(Layout):
    """Every person of every scene; those of whom too little is seen have a place and a scale but no joints."""

    name = 'mpii'
    splits = ('trainval',)

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        from scipy.io import savemat

        self.check_split(split)
        root = Path(root)
        (root / 'images').mkdir(parents=True, exist_ok=True)
        annolist = _structs(len(scenes), 'image', 'annorect', 'frame_sec', 'vididx')
        single = np.empty((len(scenes), 1), object)
        for number, scene in enumerate(scenes):
            name = f'{number + 1:09d}.jpg'
            shutil.copyfile(scene.image_path, root / 'images' / name)
            annolist[0, number] = (
                _struct(name=name),
                _annorect(scene, numerals=number % 2 == 1),
                np.zeros((1, 0)),
                np.zeros((1, 0)),
            )
            single[number, 0] = np.arange(1, len(scene.people) + 1, dtype=np.uint8)[:, None]
        training = np.ones((1, len(scenes)), np.uint8)
        savemat(
            str(root / 'mpii_human_pose_v1_u12_1.mat'),
            {'RELEASE': _struct(annolist=annolist, img_train=training, version='12', single_person=single)},
        )


def _annorect(scene: SceneGroundTruth, numerals: bool) -> np.ndarray:
    rects = _structs(len(scene.people), 'x1', 'y1', 'x2', 'y2', 'annopoints', 'scale', 'objpos')
    for number, person in enumerate(scene.people):
        x, y, width, height = person.bbox_xywh
        low, high = _head_box(person)
        points = _points(person, numerals) if person.is_valid else np.zeros((0, 0))
        middle = _struct(x=x + width / 2 + 1, y=y + height / 2 + 1)
        rects[0, number] = (*(low + 1), *(high + 1), points, height / 200, middle)
    return rects


def _points(person: PersonGroundTruth, numerals: bool) -> np.ndarray:
    names = KEYPOINT_SETS['mpii16'].keypoints
    shown = [index for index, name in enumerate(names) if person.visibility[name] > 0]
    points = _structs(len(shown), 'x', 'y', 'id', 'is_visible')
    for row, index in enumerate(shown):
        x, y = person.keypoints_px[names[index]] + 1
        visible = int(person.visibility[names[index]] == 2)
        said = np.zeros((0, 0)) if names[index] in _HEAD else visible if numerals else str(visible)
        points[0, row] = (x, y, index, said)
    return _struct(point=points)


def _head_box(person: PersonGroundTruth) -> tuple[np.ndarray, np.ndarray]:
    """Corners (2,), px from 0: as wide as the head is high."""
    neck, top = (person.keypoints_px[name] for name in _HEAD)
    half = np.linalg.norm(neck - top) / 2
    return (neck + top) / 2 - half, (neck + top) / 2 + half


def _struct(**fields) -> np.ndarray:
    struct = _structs(1, *fields)
    struct[0, 0] = tuple(fields.values())
    return struct


def _structs(number: int, *fields: str) -> np.ndarray:
    """(1, number) MATLAB struct array."""
    return np.empty((1, number), [(field, object) for field in fields])
