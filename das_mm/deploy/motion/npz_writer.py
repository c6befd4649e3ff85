"""``.npz`` as AMASS lays motions out, one file a person.

``poses`` (T, 72) axis times angle of SMPL's 24 joints, ``trans`` (T, 3) m, SMPL's translation, ``betas`` (B,),
``gender`` and ``mocap_framerate``, at a steady rate and with z up, as AMASS has it. Beside these: ``frames`` (T,) of
the video, ``observed`` (T,) (elsewhere poses are put in between), ``track_id`` (-1: none), ``joint_names``, ``body``
('generated' or the sha256 of the file), and ``world_to_camera`` (4, 4), metres, from this world to the camera frame of
the results.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from das_mm.bodies.skeleton import JOINT_NAMES
from das_mm.engine import atomic_write
from das_mm.structures.rotations import axis_angle_to_matrix, matrix_to_axis_angle

from .clip_motion import ClipMotion, PersonMotion
from .frame_rate import STILL_RATE, steady_motion

#: from a world with y up to AMASS's
Y_UP_TO_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def write_npz(clip: ClipMotion, folder: Path) -> list[Path]:
    """Write ``NAME_person_3.npz`` of everybody."""
    return [_write_person(clip, person, folder / f'{clip.name}_{person.name}.npz') for person in clip.people]


def _write_person(clip: ClipMotion, person: PersonMotion, path: Path) -> Path:
    motion = steady_motion(clip, person)
    poses = motion.axis_angle.copy()
    poses[:, 0] = matrix_to_axis_angle(Y_UP_TO_Z_UP @ axis_angle_to_matrix(poses[:, 0]))
    # the body turns about its pelvis, which stands off the origin that `trans` moves
    pelvis = person.rest.joints[0]
    arrays = dict(
        poses=poses.reshape(len(poses), -1),
        trans=motion.pelvis_m @ Y_UP_TO_Z_UP.T - pelvis,
        betas=person.betas,
        gender=np.array('neutral'),
        mocap_framerate=np.array(clip.fps or STILL_RATE),
        frames=motion.frames,
        observed=motion.observed,
        track_id=np.array(-1 if person.identity is None else person.identity),
        joint_names=np.array(JOINT_NAMES),
        body=np.array(clip.about['body']),
        world_to_camera=_world_to_camera(clip),
    )
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    atomic_write(path, buffer.getvalue())
    return path


def _world_to_camera(clip: ClipMotion) -> np.ndarray:
    to_world = np.eye(4)
    to_world[:3, :3], to_world[:3, 3] = Y_UP_TO_Z_UP @ clip.world.rotation, Y_UP_TO_Z_UP @ clip.world.camera_m
    return np.linalg.inv(to_world)
