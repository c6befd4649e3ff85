"""Results of a video in which two people walk on a floor before a tilted camera, with everything known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from das_mm.bodies.numpy_body import NumpyBody
from das_mm.bodies.smpl_file import generated_arrays
from das_mm.structures import get_keypoint_set
from das_mm.structures.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from das_mm.structures.world_frame import WorldFrame

SIZE, FPS = (640, 480), 25.0
K = np.array([[600.0, 0, 330], [0, 610, 235], [0, 0, 1]])
#: frames by track
SEEN = {7: [0, 1, 2, 3, 8, 9], 2: [2, 3, 4, 5, 6, 7, 8, 9]}
NUM_FRAMES = 11  # frame 5 could not be read, frame 10 shows nobody
FRAMES = [frame for frame in range(NUM_FRAMES) if frame != 5]
WORLD = WorldFrame.over_floor(np.array([0.1, -0.97, -0.2]), 1600, 10, 0.1, 8)


def toy_body() -> NumpyBody:
    return NumpyBody(generated_arrays())


def poses(identity: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(T, 24, 3) rad and (T, 3) m, both in the camera frame, and betas (10,)."""
    random = np.random.default_rng(identity)
    seen = [frame for frame in SEEN[identity] if frame in FRAMES]
    phase = 2 * np.pi * np.array(seen) / 8 + identity
    turns = np.zeros((len(seen), 24, 3))
    turns[:, 1, 0], turns[:, 2, 0] = 0.5 * np.sin(phase), -0.5 * np.sin(phase)
    turns[:, 16, 2], turns[:, 17, 2] = -1.2, 1.2
    turns[:, 18, 1] = -0.8 * np.abs(np.cos(phase))
    turns[:, 0, 1] = 2.5 + identity + 0.2 * phase
    turns[:, 9] = 0.1 * random.normal(size=3)
    to_camera = WORLD.camera_to_world[:3, :3].T
    turns[:, 0] = matrix_to_axis_angle(to_camera @ axis_angle_to_matrix(turns[:, 0]))
    betas = random.normal(size=10)
    body = toy_body()
    vertices, _ = body.posed(turns, np.tile(betas, (len(seen), 1)))
    lowest = (vertices @ WORLD.up).min(axis=1)  # along the camera frame's up
    along = np.array([0.3 * identity - 1.5, 0, -4.0]) + 0.1 * np.array(seen)[:, None] * [1, 0, -0.5]
    places = (along - WORLD.camera_to_world[:3, 3]) @ WORLD.camera_to_world[:3, :3]
    offset = vertices.mean(axis=1)
    flat = offset - (offset @ WORLD.up)[:, None] * WORLD.up  # people stand over their place, the lowest point on it
    return turns, places - flat - lowest[:, None] * WORLD.up, betas


def toy_results(with_world: bool = True, tracked: bool = True) -> list[dict]:
    kset = get_keypoint_set('panoptic15')
    told = {identity: poses(identity) for identity in SEEN}
    results = []
    for frame in FRAMES:
        people = []
        for identity, frames in SEEN.items():
            frames = [one for one in frames if one in FRAMES]
            if frame not in frames:
                continue
            row = frames.index(frame)
            turns, transl, betas = told[identity]
            person = dict(
                score=0.8,
                bbox_px=[0, 0, 10, 10],
                keypoints_px=[[1.0, 1.0]] * 15,
                keypoint_scores=[0.5] * 15,
                keypoints_cam_mm=None,
                root_px=[1.0, 1.0],
                root_cam_mm=None,
                root_depth_mm_per_px=None,
                relative_depths_mm=None,
                smpl=dict(
                    global_orient=turns[row, 0].tolist(),
                    body_pose=turns[row, 1:].tolist(),
                    betas=betas.tolist(),
                    root_mm=[0.0, 0, 0],
                    transl_mm=(1000 * transl[row]).tolist(),
                    body='generated',
                ),
            )
            people.append(dict(person, track_id=identity) if tracked else person)
        result = dict(
            format='das_mm.result/1',
            image=dict(
                file='walk.mp4', name='walk', width=SIZE[0], height=SIZE[1], frame=frame, time_s=round(frame / FPS, 6)
            ),
            camera=dict(K=K.tolist(), dist=None, source='user', fov_deg=60.0, detail=None),
            model=dict(config='toy', weights=None, weights_sha256=None, das_mm='0', score_thr=0.1),
            keypoint_set=kset.name,
            keypoint_names=list(kset.keypoints),
            root=kset.root,
            units='',
            frame_of_reference='',
            people=people,
        )
        if with_world:
            result['world'] = WORLD.words()
        results.append(result)
    return results


def true_joints_mm(identity: int) -> np.ndarray:
    """(T, 24, 3) in the camera frame."""
    turns, transl, betas = poses(identity)
    return 1000 * (toy_body().posed_joints(turns, np.tile(betas, (len(turns), 1))) + transl[:, None])


def write_results(path: Path, results: list[dict]) -> Path:
    path.write_text(''.join(json.dumps(one) + '\n' for one in results))
    return path
