"""Synthetic scenes with all their truth, to be written in the layout of a real data set."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from das_mm.bodies.landmarks import KEYPOINT_NAMES
from das_mm.errors import UserError
from das_mm.structures.keypoint_sets import KEYPOINT_SETS

from ..generated_meshes import load_smpl
from ..generator import GeneratedPaths
from ..ground_truth import RunLengths

#: all sets whose every keypoint is one of a body (a superset with places for detections is not)
ALL_SETS = tuple(name for name, kset in KEYPOINT_SETS.items() if set(kset.keypoints) <= set(KEYPOINT_NAMES))


@dataclass(frozen=True)
class PersonGroundTruth:
    """One person of a scene, camera frame.

    Attributes:
        keypoints_mm: name -> (3,); keypoints_px: name -> (2,), exact projection.
        visibility: name -> 0 out of the image, 1 hidden, 2 visible.
        bbox_xywh: px, tight, inside the image. area_px, segmentation: of the visible mask (COCO RLE, counts as str).
        track_id: Identity (in clips it lasts).
        is_valid: Enough is seen of the person.
        smpl: global_orient (3,) rad camera frame, body_pose (23, 3) rad, betas (10,), transl (3,) m.
    """

    keypoints_mm: dict[str, np.ndarray]
    keypoints_px: dict[str, np.ndarray]
    visibility: dict[str, int]
    bbox_xywh: tuple[float, float, float, float]
    area_px: float
    segmentation: RunLengths
    track_id: int
    is_valid: bool
    smpl: dict[str, np.ndarray]

    def mm(self, keypoint_set: str) -> np.ndarray:
        """(J, 3) camera mm in the order of a keypoint set."""
        return np.array([self.keypoints_mm[name] for name in KEYPOINT_SETS[keypoint_set].keypoints])

    def px(self, keypoint_set: str) -> np.ndarray:
        """(J, 2) px in the order of a keypoint set."""
        return np.array([self.keypoints_px[name] for name in KEYPOINT_SETS[keypoint_set].keypoints])

    def seen(self, keypoint_set: str) -> np.ndarray:
        """(J,) visibility in the order of a keypoint set."""
        return np.array([self.visibility[name] for name in KEYPOINT_SETS[keypoint_set].keypoints])


@dataclass(frozen=True)
class SceneGroundTruth:
    """One image: K (3, 3) px, R (3, 3) and T (3,) mm world to camera; no distortion."""

    image_path: Path
    width: int
    height: int
    K: np.ndarray
    R: np.ndarray
    T_mm: np.ndarray
    seq: str
    frame: int
    people: tuple[PersonGroundTruth, ...]

    def image(self) -> np.ndarray:
        """(H, W, 3) uint8 BGR."""
        return cv2.imread(str(self.image_path))


class Layout(ABC):
    """Writes scenes as a data set's original archives lie on the disk.

    Attributes:
        name: Word on the command line, that of the converter.
        kind: 'scenes' or 'clips': what it is written from.
        splits: Splits that can be written, the first by default.
    """

    name: ClassVar[str]
    kind: ClassVar[str] = 'scenes'
    splits: ClassVar[tuple[str, ...]] = ('train',)

    def check_split(self, split: str) -> None:
        """Raises UserError for a split that cannot be written."""
        if split not in self.splits:
            raise UserError(
                f'the layout {self.name} has no split {split!r}',
                field='--split',
                remedy=f'use one of: {", ".join(self.splits)}',
            )

    @abstractmethod
    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        """Writes all files of one split below ``root``."""


def read_scenes(paths: GeneratedPaths) -> list[SceneGroundTruth]:
    """All scenes of a generated set, with every keypoint of every joint set that was written.

    Raises:
        UserError: A file is missing.
    """
    try:
        stored = {name: json.loads(path.read_text()) for name, path in paths.annotations.items()}
    except OSError as error:
        raise UserError(
            f'cannot be read ({error.strerror})', file=error.filename, remedy='generate the set again'
        ) from error
    smpl = load_smpl(paths.smpl)
    first = next(iter(stored.values()))
    people: dict[int, list[PersonGroundTruth]] = {}
    for row, annotation in enumerate(first['annotations']):
        same = {name: content['annotations'][row] for name, content in stored.items()}
        people.setdefault(annotation['image_id'], []).append(_person(annotation, same, smpl))
    return [_scene(image, paths.root, people.get(image['id'], [])) for image in first['images']]


def _person(annotation: dict, by_set: dict[str, dict], smpl: dict[str, np.ndarray]) -> PersonGroundTruth:
    mm, px, seen = {}, {}, {}
    for name, entry in by_set.items():
        flat = np.array(entry['keypoints']).reshape(-1, 3)
        for index, keypoint in enumerate(KEYPOINT_SETS[name].keypoints):
            mm[keypoint], px[keypoint] = np.array(entry['keypoints_3d'][index]), flat[index, :2]
            seen[keypoint] = entry['visibility'][index]
    parameters = {name: smpl[name][annotation['smpl']] for name in ('global_orient', 'body_pose', 'betas', 'transl')}
    return PersonGroundTruth(
        mm,
        px,
        seen,
        tuple(annotation['bbox']),
        annotation['area'],
        annotation['segmentation'],
        annotation['track_id'],
        annotation['is_valid'],
        parameters,
    )


def _scene(image: dict, root: Path, people: list[PersonGroundTruth]) -> SceneGroundTruth:
    camera = image['cam_param']
    return SceneGroundTruth(
        Path(root) / image['file_name'],
        image['width'],
        image['height'],
        np.array(camera['K']),
        np.array(camera['R']),
        np.array(camera['T']),
        image['seq'],
        image['frame'],
        tuple(people),
    )
