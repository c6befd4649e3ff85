"""BVH, one file a person: SMPL's skeleton at rest with its arms stretched out, and the motion at a steady rate.

y up, z forward at rest, centimetres, as programs for motion capture expect; the pelvis has its place in the world. The
format knows no gaps: poses are put in between there, from the first to the last frame in which the person is seen; the
file's companion ``NAME.motion.json`` says which.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from das_mm.bodies.skeleton import JOINT_NAMES, PARENTS
from das_mm.engine import atomic_write

from .clip_motion import ClipMotion, PersonMotion
from .frame_rate import STILL_RATE, SteadyMotion, steady_motion

CM_PER_M = 100.0
_ORDER = 'ZXY'


def write_bvh(clip: ClipMotion, folder: Path) -> list[Path]:
    """Write ``NAME_person_3.bvh`` of everybody."""
    return [_write_person(clip, person, folder / f'{clip.name}_{person.name}.bvh') for person in clip.people]


def _write_person(clip: ClipMotion, person: PersonMotion, path: Path) -> Path:
    motion = steady_motion(clip, person)
    lines = ['HIERARCHY', *_joint_lines(person, 0, 0), 'MOTION', f'Frames: {len(motion.frames)}']
    lines.append(f'Frame Time: {1 / (clip.fps or STILL_RATE):.9f}')
    lines += [' '.join(f'{number:.6f}' for number in row) for row in _channels(motion)]
    atomic_write(path, ('\n'.join(lines) + '\n').encode())
    return path


def _joint_lines(person: PersonMotion, joint: int, depth: int) -> list[str]:
    """The lines of a joint and of all below it, depth first as channels are."""
    rest, parent = person.rest, PARENTS[joint]
    blank = '\t' * depth
    offset = np.zeros(3) if parent < 0 else rest.joints[joint] - rest.joints[parent]
    angles = ' '.join(f'{axis}rotation' for axis in _ORDER)
    channels = f'6 Xposition Yposition Zposition {angles}' if parent < 0 else f'3 {angles}'
    lines = [f'{blank}{"ROOT" if parent < 0 else "JOINT"} {JOINT_NAMES[joint]}', f'{blank}{{']
    lines += [f'{blank}\tOFFSET {_numbers(offset)}', f'{blank}\tCHANNELS {channels}']
    for child in _children(joint):
        lines += _joint_lines(person, child, depth + 1)
    if joint in rest.tips:
        lines += [
            f'{blank}\tEnd Site',
            f'{blank}\t{{',
            f'{blank}\t\tOFFSET {_numbers(rest.tips[joint])}',
            f'{blank}\t}}',
        ]
    return [*lines, f'{blank}}}']


def _channels(motion: SteadyMotion) -> np.ndarray:
    """(T, 3 + 24·3): the place of the pelvis in cm and the angles of all joints in degrees, joints depth first."""
    from scipy.spatial.transform import Rotation  # half a second, for those who export

    columns = [CM_PER_M * motion.pelvis_m]
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='Gimbal lock')  # the angles are right all the same
        for joint in _depth_first(0):
            angles = Rotation.from_rotvec(motion.axis_angle[:, joint]).as_euler(_ORDER)
            columns.append(np.degrees(np.unwrap(angles, axis=0)))
    return np.concatenate(columns, axis=1)


def _children(joint: int) -> list[int]:
    return [child for child, parent in enumerate(PARENTS) if parent == joint]


def _depth_first(joint: int) -> list[int]:
    return [joint, *(below for child in _children(joint) for below in _depth_first(child))]


def _numbers(metres: np.ndarray) -> str:
    return ' '.join(f'{CM_PER_M * one:.6f}' for one in metres)
