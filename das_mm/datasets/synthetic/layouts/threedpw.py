"""Clips as 3DPW's archive: python-2 pickles in metres and a world frame, one a sequence, and numbered images."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from das_mm.bodies import linear_blend_skinning, load_generated_body
from das_mm.bodies.shape_space import GENDER_BETAS
from das_mm.structures.keypoint_sets import KEYPOINT_SETS

from .base import Layout, PersonGroundTruth, SceneGroundTruth

_COCO18 = KEYPOINT_SETS['coco18'].keypoints
_FEWEST_DETECTED = 6  # with fewer joints poses2d is all zeros
_GENDERS = {'m': 'male', 'f': 'female'}


class ThreeDPWLayout(Layout):
    """Shapes are told as those of a man's or a woman's body, whichever is nearer: 3DPW knows no neutral people. Who
    leaves the picture keeps the last pose, with ``campose_valid`` 0 and no detection."""

    name = '3dpw'
    kind = 'clips'
    splits = ('train', 'validation', 'test')

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        clips: dict[str, list[SceneGroundTruth]] = {}
        for scene in scenes:
            clips.setdefault(scene.seq, []).append(scene)
        inhabited = [clip for clip in clips.values() if any(scene.people for scene in clip)]
        for number, clip in enumerate(inhabited):
            name = f'synthetic_{split}_{number:02d}'
            frames = sorted(clip, key=lambda scene: scene.frame)
            images = Path(root) / 'imageFiles' / name
            images.mkdir(parents=True, exist_ok=True)
            for index, scene in enumerate(frames):
                shutil.copyfile(scene.image_path, images / f'image_{index:05d}.jpg')
            target = Path(root) / 'sequenceFiles' / split / f'{name}.pkl'
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(pickle.dumps(sequence_file(name, frames), protocol=2))


def sequence_file(name: str, frames: Sequence[SceneGroundTruth]) -> dict:
    """What 3DPW's pickle of a sequence holds, N frames and P people; arrays that nobody reads are left out."""
    tracks = list(dict.fromkeys(person.track_id for scene in frames for person in scene.people))
    camera = np.tile(np.eye(4), (len(frames), 1, 1))
    for index, scene in enumerate(frames):
        camera[index, :3, :3], camera[index, :3, 3] = scene.R, scene.T_mm / 1000
    people = [_person(track, frames) for track in tracks]
    return dict(
        sequence=name,
        cam_poses=camera,
        cam_intrinsics=frames[0].K,
        img_frame_ids=2 * np.arange(len(frames)),
        **{key: [person[key] for person in people] for key in people[0]},
    )


def _person(track: int, frames: Sequence[SceneGroundTruth]) -> dict:
    seen = [next((person for person in scene.people if person.track_id == track), None) for scene in frames]
    # the frame in which the person was last seen, at first the one in which they appear
    frame, shown = next((scene, person) for scene, person in zip(frames, seen) if person is not None)
    gender, betas = _gendered(shown.smpl['betas'])
    columns: dict[str, list] = dict(poses=[], trans=[], jointPositions=[], poses2d=[], campose_valid=[])
    for scene, person in zip(frames, seen):
        if person is not None:
            frame, shown = scene, person
        world = _in_world(frame, shown)
        world['poses2d'] = np.zeros((3, 18)) if person is None else _detection(person)
        world['campose_valid'] = np.int64(person is not None and person.is_valid)
        for key, column in columns.items():
            column.append(world[key])
    return dict(genders=gender, betas=betas, **{key: np.array(column) for key, column in columns.items()})


def _in_world(scene: SceneGroundTruth, person: PersonGroundTruth) -> dict:
    """Pose (72,) rad, trans (3,) m and the joints (72,) m of the kinematic tree in the world frame.

    Trans moves a body whose root turns about its rest pelvis, as SMPL's does.
    """
    body, to_world, centre = load_generated_body(), scene.R.T, scene.T_mm / 1000
    _, joints = linear_blend_skinning(
        body, *(person.smpl[name][None] for name in ('global_orient', 'body_pose', 'betas', 'transl'))
    )
    orient = Rotation.from_matrix(to_world) * Rotation.from_rotvec(person.smpl['global_orient'])
    pelvis = body.joints_template[0] + body.joints_dirs[0] @ person.smpl['betas']
    return dict(
        poses=np.concatenate([orient.as_rotvec(), person.smpl['body_pose'].ravel()]),
        trans=to_world @ (person.smpl['transl'] + pelvis - centre) - pelvis,
        jointPositions=((joints[0] - centre) @ to_world.T).ravel(),
    )


def _detection(person: PersonGroundTruth) -> np.ndarray:
    """(3, 18) u, v, confidence of the joints that can be seen, as a detector would find them."""
    px = {**person.keypoints_px, 'neck': person.keypoints_px['thorax']}  # the middle of the shoulders
    found = np.array([person.visibility[name] == 2 for name in _COCO18])
    detection = np.column_stack([np.array([px[name] for name in _COCO18]), np.ones(18)]) * found[:, None]
    return detection.T if found.sum() >= _FEWEST_DETECTED else np.zeros((3, 18))


def _gendered(betas: np.ndarray) -> tuple[str, np.ndarray]:
    """Gender, and the same shape in the betas of that gender's body."""
    own = {letter: betas - GENDER_BETAS[gender] for letter, gender in _GENDERS.items()}
    letter = min(own, key=lambda letter: np.linalg.norm(own[letter]))
    return letter, own[letter]
