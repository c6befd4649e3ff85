"""Anatomical angles and inverse kinematics of the arm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from das_mm.bodies import JOINT_NAMES, linear_blend_skinning, load_generated_body
from das_mm.bodies.arm_ik import reach
from das_mm.bodies.joint_limits import (
    JOINT_LIMITS_DEG,
    about,
    angles_from_pose,
    angles_of_rotation,
    clip_angles,
    pose_from_angles,
    within_limits,
)
from das_mm.bodies.skeleton import mirror_name


def random_angles(seed, num=20):
    limits = np.stack([JOINT_LIMITS_DEG[name] for name in JOINT_NAMES[1:]])
    return np.random.default_rng(seed).uniform(limits[..., 0], limits[..., 1], (num, 23, 3))


def joints_of(angles):
    body = load_generated_body()
    return linear_blend_skinning(
        body, np.zeros((1, 3)), pose_from_angles(angles)[None], np.zeros((1, 10)), np.zeros((1, 3))
    )[1][0]


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_angles_and_poses_are_inverse(seed):
    angles = random_angles(seed)
    np.testing.assert_allclose(angles_from_pose(pose_from_angles(angles)), angles, atol=1e-6)
    assert within_limits(pose_from_angles(angles)).all()


def test_limits_mirror():
    for name, limits in JOINT_LIMITS_DEG.items():
        other = JOINT_LIMITS_DEG[mirror_name(name)]
        np.testing.assert_allclose(limits[0], other[0])
        np.testing.assert_allclose(limits[1:], -other[1:, ::-1])
        assert (limits[:, 0] <= 0).all() and (limits[:, 1] >= 0).all()  # the rest pose is allowed


@pytest.mark.parametrize(
    'joint,angles',
    [
        ('left_knee', (-20, 0, 0)),
        ('left_elbow', (0, 20, 0)),
        ('right_elbow', (0, -20, 0)),
        ('head', (0, 90, 0)),
        ('left_hip', (60, 0, 0)),
        ('spine1', (80, 0, 0)),
    ],
)
def test_what_no_one_can_do_is_refused(joint, angles):
    stacked = np.zeros((23, 3))
    stacked[JOINT_NAMES.index(joint) - 1] = angles
    assert not within_limits(pose_from_angles(stacked))
    assert within_limits(pose_from_angles(clip_angles(stacked)))


@pytest.mark.parametrize(
    'joint,angles,moved,axis,sign',
    [
        ('left_knee', (60, 0, 0), 'left_ankle', 2, -1),
        ('right_knee', (60, 0, 0), 'right_ankle', 2, -1),
        ('left_elbow', (0, -60, 0), 'left_wrist', 2, 1),
        ('right_elbow', (0, 60, 0), 'right_wrist', 2, 1),
        ('left_hip', (-60, 0, 0), 'left_knee', 2, 1),
        ('left_hip', (0, 0, 30), 'left_knee', 0, 1),
        ('left_shoulder', (0, 0, -70), 'left_wrist', 1, -1),
        ('right_shoulder', (0, 0, 70), 'right_wrist', 1, -1),
        ('spine1', (30, 0, 0), 'head', 2, 1),
        ('left_ankle', (30, 0, 0), 'left_foot', 1, -1),
    ],
)
def test_signs_are_as_documented(joint, angles, moved, axis, sign):
    stacked = np.zeros((23, 3))
    rest = joints_of(stacked)
    stacked[JOINT_NAMES.index(joint) - 1] = angles
    index = JOINT_NAMES.index(moved)
    assert sign * (joints_of(stacked)[index, axis] - rest[index, axis]) > 0.05


def test_angles_of_one_rotation_and_of_many():
    turns = about('x', np.array([10.0, -40.0, 90.0])) * about('z', -60)
    many = angles_of_rotation('left_shoulder', turns)
    np.testing.assert_allclose(many[1], angles_of_rotation('left_shoulder', turns[1]))
    swing, twist = many[1] * [0, 1, 1], many[1] * [1, 0, 0]
    again = Rotation.from_rotvec(swing, degrees=True) * Rotation.from_rotvec(twist, degrees=True)
    assert (again * turns[1].inv()).magnitude() < 1e-9


@pytest.mark.parametrize('side', ['left', 'right'])
@pytest.mark.parametrize('place', [(0.2, 0.2, 0.25), (-0.1, -0.2, 0.3), (0.1, -0.4, 0.1), (0.3, 0.0, 0.2)])
def test_arm_reaches_the_place(side, place):
    sign = 1 if side == 'left' else -1
    wanted = np.array(place) * [sign, 1, 1]
    stacked = np.zeros((23, 3))
    for name, angles in reach(side, wanted, np.array([0.5 * sign, -1, 0])).items():
        stacked[JOINT_NAMES.index(name) - 1] = angles
    joints = joints_of(stacked)
    shoulder, elbow, wrist = (joints[JOINT_NAMES.index(f'{side}_{part}')] for part in ('shoulder', 'elbow', 'wrist'))
    np.testing.assert_allclose(wrist - shoulder, wanted, atol=6e-3)
    straight = shoulder + 0.5 * (wrist - shoulder)
    assert (elbow - straight) @ [0.5 * sign, -1, 0] > 0  # the elbow is on the side it was told


def test_too_far_a_place_stretches_the_arm():
    angles = reach('left', np.array([0.0, 0.0, 3.0]), np.array([1.0, 0, 0]))
    assert -25 < angles['left_elbow'][1] <= 0
