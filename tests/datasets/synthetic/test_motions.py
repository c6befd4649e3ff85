"""Sampled motions: smooth, on the ground, going as far as the steps carry."""

from __future__ import annotations

import numpy as np
import pytest

from das_mm.bodies import JOINT_NAMES, linear_blend_skinning, load_generated_body
from das_mm.bodies.joint_limits import within_limits
from das_mm.datasets.synthetic.motions import MOTION_ACTIVITIES, sample_motion
from das_mm.structures.rotations import axis_angle_to_matrix

FPS = 25
J = {name: index for index, name in enumerate(JOINT_NAMES)}


@pytest.fixture(scope='module')
def motions():
    rng = np.random.default_rng(0)
    return {activity: [sample_motion(rng, 50, FPS, activity) for _ in range(3)] for activity in MOTION_ACTIVITIES}


def each(motions):
    return [(activity, motion) for activity, some in motions.items() for motion in some]


def in_the_world(motion):
    """Vertices (T, V, 3) and joints as the scene places them: on the ground, along the path, heading by the yaw."""
    frames = len(motion['body_pose'])
    vertices, joints = linear_blend_skinning(
        load_generated_body(), motion['root_tilt'], motion['body_pose'], np.zeros((frames, 10)), np.zeros((frames, 3))
    )
    yaw = np.zeros((frames, 3))
    yaw[:, 1] = motion['global_orient_yaw']
    turn = axis_angle_to_matrix(yaw).transpose(0, 2, 1)
    place = np.zeros((frames, 1, 3))
    place[:, 0, [0, 2]] = motion['ground_path']
    place[:, 0, 1] = motion['lift_m'] - (vertices - joints[:, :1])[:, :, 1].min(axis=1)
    return (vertices - joints[:, :1]) @ turn + place, (joints - joints[:, :1]) @ turn + place


def test_shapes_and_start(motions):
    for activity, motion in each(motions):
        assert motion['body_pose'].shape == (50, 23, 3) and motion['root_tilt'].shape == (50, 3)
        assert motion['global_orient_yaw'].shape == motion['lift_m'].shape == (50,)
        assert motion['ground_path'].shape == (50, 2)
        assert motion['activity'] == activity and motion['global_orient_yaw'][0] == 0
        np.testing.assert_array_equal(motion['ground_path'][0], 0)
        assert all(np.isfinite(motion[key]).all() for key in ('body_pose', 'root_tilt', 'ground_path', 'lift_m'))


def test_limits_hold_in_every_frame(motions):
    for activity, motion in each(motions):
        assert within_limits(motion['body_pose']).all(), activity


def test_nothing_jumps(motions):
    for activity, motion in each(motions):
        rotations = axis_angle_to_matrix(motion['body_pose'])
        step = rotations[:-1].transpose(0, 1, 3, 2) @ rotations[1:]
        speed = np.arccos(np.clip((np.trace(step, axis1=2, axis2=3) - 1) / 2, -1, 1)) * FPS
        assert speed.max() < (22 if activity == 'run' else 15), activity
        # and velocity itself does not jump: a frame is close to the middle of its neighbours
        _, joints = in_the_world(motion)
        bump = np.linalg.norm(joints[1:-1] - 0.5 * (joints[:-2] + joints[2:]), axis=-1)
        assert bump.max() < (0.10 if activity == 'run' else 0.06), activity
        assert np.abs(np.diff(motion['global_orient_yaw'])).max() * FPS < 4


def test_standing_feet_do_not_slide(motions):
    for activity, limit in (
        ('walk', 0.10),
        ('run', 0.35),
        ('stand', 0.02),
        ('reach', 0.02),
        ('wave', 0.02),
        ('sit_down', 0.5),
    ):
        for motion in motions[activity]:
            vertices, _ = in_the_world(motion)
            low = vertices[:, :, 1] < 0.012
            stays = low[:-1] & low[1:]
            slide = np.linalg.norm(np.diff(vertices[:, :, [0, 2]], axis=0), axis=-1) * FPS
            assert np.median(slide[stays]) < limit, activity


def test_way_agrees_with_the_steps(motions):
    """Distance of the path = number of steps x length of a step, both measured on the posed joints."""
    for motion in motions['walk']:
        _, joints = in_the_world(motion)
        speed = np.linalg.norm(np.diff(motion['ground_path'], axis=0), axis=1).sum() / (49 / FPS)
        assert 0.6 < speed < 1.9
        apart = np.linalg.norm((joints[:, J['left_ankle']] - joints[:, J['right_ankle']])[:, [0, 2]], axis=1)
        step = apart.max()
        yaw = motion['global_orient_yaw']
        ahead = joints[:, J['left_ankle']] - joints[:, J['right_ankle']]
        side = np.sign(ahead[:, 0] * np.sin(yaw) + ahead[:, 2] * np.cos(yaw))
        crossings = np.flatnonzero(np.diff(side))
        assert len(crossings) >= 2
        seconds = np.diff(crossings).mean() / FPS
        assert speed * seconds == pytest.approx(step, rel=0.2)


def test_people_walk_where_they_look(motions):
    for activity in ('walk', 'run'):
        for motion in motions[activity]:
            yaw = motion['global_orient_yaw'][1:]
            way = np.diff(motion['ground_path'], axis=0)
            way /= np.linalg.norm(way, axis=1, keepdims=True)
            assert (way * np.stack([np.sin(yaw), np.cos(yaw)], axis=1)).sum(axis=1).min() > 0.99


def test_runs_fly_and_walks_do_not(motions):
    assert all(motion['lift_m'].max() > 0.01 and motion['lift_m'].min() < 0.01 for motion in motions['run'])
    assert all(motion['lift_m'].max() == 0 for activity, motion in each(motions) if activity != 'run')
    assert max(motion['lift_m'].max() for motion in motions['run']) < 0.15


def test_turn_turns_and_sitting_goes_down(motions):
    assert all(np.ptp(motion['global_orient_yaw']) > 0.8 for motion in motions['turn'])
    falls = []
    for motion in motions['sit_down']:
        assert motion['needs_seat']
        _, joints = in_the_world(motion)
        falls.append(np.ptp(joints[:, 0, 1]))
    assert max(falls) > 0.25


def test_partner_stands_in_front():
    rng = np.random.default_rng(5)
    for _ in range(5):
        motion = sample_motion(rng, 75, FPS, 'interact')
        partner = motion['partner']
        assert within_limits(partner['body_pose']).all() and partner['yaw'] == np.pi
        _, first = in_the_world(motion)
        _, second = in_the_world(partner)
        second = second * [-1, 1, -1] + [0, 0, partner['distance_m']]
        if partner['distance_m'] > 0.6:  # hands meet
            gap = np.linalg.norm(first[:, J['right_hand']] - second[:, J['right_hand']], axis=1)
            assert gap.min() < 0.2 and gap.max() > 0.4
        else:  # arms go around
            assert (first[:, [J['left_hand'], J['right_hand']], 2].max(axis=1) > second[:, J['spine3'], 2]).any()


def test_seed_decides(motions):
    first, again = (sample_motion(np.random.default_rng(3), 20, FPS) for _ in range(2))
    assert first['activity'] == again['activity']
    np.testing.assert_array_equal(first['body_pose'], again['body_pose'])
    np.testing.assert_array_equal(first['ground_path'], again['ground_path'])


def test_frame_rate_changes_the_sampling_not_the_motion():
    slow, fast = (sample_motion(np.random.default_rng(8), frames, fps, 'walk') for frames, fps in ((16, 10), (31, 20)))
    np.testing.assert_allclose(slow['body_pose'], fast['body_pose'][::2], atol=1e-9)
    np.testing.assert_allclose(slow['ground_path'], fast['ground_path'][::2], atol=0.05)


def test_tall_people_go_farther():
    short, tall = (sample_motion(np.random.default_rng(8), 20, FPS, 'walk', stature_m=s) for s in (1.36, 1.70))
    np.testing.assert_allclose(short['ground_path'], 0.8 * tall['ground_path'])


@pytest.mark.parametrize('activity', MOTION_ACTIVITIES)
def test_one_frame_is_enough(activity):
    motion = sample_motion(np.random.default_rng(0), 1, FPS, activity)
    assert motion['body_pose'].shape == (1, 23, 3)


@pytest.mark.parametrize('frames,fps', [(0, 25), (10, 0)])
def test_bad_requests(frames, fps):
    with pytest.raises(ValueError, match='at least one frame'):
        sample_motion(np.random.default_rng(0), frames, fps)
