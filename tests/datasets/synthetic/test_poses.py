"""Sampled poses and shapes: human, varied, decided by the seed."""

from __future__ import annotations

import numpy as np
import pytest

from das_mm.bodies import JOINT_NAMES, linear_blend_skinning, load_generated_body
from das_mm.bodies.joint_limits import angles_from_pose, pose_from_angles, within_limits
from das_mm.datasets.synthetic.body_shapes import sample_betas, stature_m
from das_mm.datasets.synthetic.gait import gait_cycle, running, walking
from das_mm.datasets.synthetic.poses import ACTIVITIES, PARTNER_DISTANCE_M, sample_pair, sample_pose

J = {name: index for index, name in enumerate(JOINT_NAMES)}


def posed(poses, betas=None):
    """Vertices and joints of a list of sampled poses, heading +z."""
    body = load_generated_body()
    betas = np.zeros((len(poses), 10)) if betas is None else betas
    return linear_blend_skinning(
        body,
        np.stack([p['root_tilt'] for p in poses]),
        np.stack([p['body_pose'] for p in poses]),
        betas,
        np.zeros((len(poses), 3)),
    )


@pytest.fixture(scope='module')
def many():
    rng = np.random.default_rng(0)
    return [sample_pose(rng) for _ in range(500)]


@pytest.fixture(scope='module')
def by_activity():
    rng = np.random.default_rng(1)
    return {activity: [sample_pose(rng, activity) for _ in range(12)] for activity in ACTIVITIES}


def test_limits_hold_for_500_poses(many):
    poses = np.stack([pose['body_pose'] for pose in many])
    assert poses.shape == (500, 23, 3)
    assert within_limits(poses).all()


def test_knees_and_elbows_bend_one_way_only(many):
    angles = angles_from_pose(np.stack([pose['body_pose'] for pose in many]))
    for side, sign in (('left', 1), ('right', -1)):
        assert angles[:, J[f'{side}_knee'] - 1, 0].min() > -2.01
        assert (sign * angles[:, J[f'{side}_elbow'] - 1, 1]).max() < 2.01
    # the same seen from outside: a bent knee points forward of the line from hip to ankle (frame of the pelvis)
    _, joints = posed(many[:200])
    for side in ('left', 'right'):
        hip, knee, ankle = (joints[:, J[f'{side}_{part}']] for part in ('hip', 'knee', 'ankle'))
        axis = (ankle - hip) / np.linalg.norm(ankle - hip, axis=1, keepdims=True)
        out = (knee - hip) - ((knee - hip) * axis).sum(axis=1, keepdims=True) * axis
        bent = np.linalg.norm(out, axis=1) > 0.06
        assert bent.sum() > 20
        forward = np.cross(axis, [1.0, 0, 0])
        assert ((out * forward).sum(axis=1)[bent] > 0).mean() > 0.97  # legs turned far out point sideways


def test_same_seed_same_pose():
    first, again, other = (sample_pose(np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first['body_pose'], again['body_pose'])
    assert first['activity'] == again['activity'] and not np.allclose(first['body_pose'], other['body_pose'])


def test_poses_vary(by_activity):
    for activity, poses in by_activity.items():
        stacked = np.stack([pose['body_pose'] for pose in poses])
        assert stacked.std(axis=0).max() > 0.03, activity
        assert {pose['activity'] for pose in poses} == {activity}


def test_all_activities_come_up(many):
    drawn = [pose['activity'] for pose in many]
    assert set(drawn) == set(ACTIVITIES)
    assert drawn.count('stand') > drawn.count('hug')


def test_feet_bear_everyone(by_activity):
    """The lowest vertex belongs to a foot, whatever is done."""
    body = load_generated_body()
    feet = np.flatnonzero(np.abs(body.v_template[:, 1] - body.v_template[:, 1].min()) < 0.12)
    for activity, poses in by_activity.items():
        vertices, _ = posed(poses)
        assert np.isin(vertices[:, :, 1].argmin(axis=1), feet).all(), activity


def test_heights_by_activity(by_activity):
    heights = {}
    for activity, poses in by_activity.items():
        vertices, joints = posed(poses)
        ground = vertices[:, :, 1].min(axis=1)
        heights[activity] = ((joints[:, 0, 1] - ground).mean(), (vertices[:, :, 1].max(axis=1) - ground).mean())
    assert 0.90 < heights['stand'][0] < 0.97
    assert 0.80 < heights['walk'][0] < 0.96
    assert 0.42 < heights['sit'][0] < 0.65
    assert heights['crouch'][0] < 0.8 * heights['stand'][0]
    assert heights['bend'][1] < 0.93 * heights['stand'][1]


def test_who_sits_needs_a_seat(by_activity):
    for activity, poses in by_activity.items():
        assert all(pose['needs_seat'] == (activity == 'sit') for pose in poses)
    _, joints = posed(by_activity['sit'])
    thigh = joints[:, [J['left_knee'], J['right_knee']]] - joints[:, [J['left_hip'], J['right_hip']]]
    assert (np.abs(thigh[..., 1]) < 0.6 * np.linalg.norm(thigh, axis=-1)).all()


def test_arms_swing_against_the_legs():
    phase = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    for gait in (walking(1.3), running(3.0)):
        angles, _ = gait_cycle(gait, phase)
        assert within_limits(pose_from_angles(angles)).all()
        _, joints = posed([dict(body_pose=pose, root_tilt=np.zeros(3)) for pose in pose_from_angles(angles)])
        for side in ('left', 'right'):
            arm = joints[:, J[f'{side}_elbow'], 2] - joints[:, J[f'{side}_shoulder'], 2]
            leg = joints[:, J[f'{side}_ankle'], 2] - joints[:, J[f'{side}_hip'], 2]
            assert np.corrcoef(arm, leg)[0, 1] < -0.6


def test_waving_hand_is_up_and_crossed_arms_cross(by_activity):
    _, joints = posed(by_activity['wave'])
    wrists = joints[:, [J['left_wrist'], J['right_wrist']], 1]
    assert (wrists.max(axis=1) > joints[:, J['neck'], 1]).all()
    _, joints = posed(by_activity['arms_crossed'])
    assert (joints[:, J['left_wrist'], 0] < joints[:, J['right_wrist'], 0]).mean() > 0.9
    assert (joints[:, [J['left_wrist'], J['right_wrist']], 2] > joints[:, [J['spine3']], 2] + 0.1).all()


@pytest.mark.parametrize('activity', sorted(PARTNER_DISTANCE_M))
def test_pairs_meet(activity):
    rng = np.random.default_rng(2)
    for _ in range(5):
        pair = sample_pair(rng, activity)
        _, joints = posed(pair['poses'])
        joints -= joints[:, :1] * [1, 0, 1]
        turn = np.array([np.cos(pair['yaw']), 1, np.cos(pair['yaw'])])
        other = joints[1] * turn + [0, 0, pair['distance_m']]
        if activity == 'handshake':
            hands = joints[0, J['right_hand']], other[J['right_hand']]
            assert np.linalg.norm(hands[0] - hands[1]) < 0.16
        else:  # the arms reach behind the other one's back
            assert max(joints[0, [J['left_hand'], J['right_hand']], 2]) > other[J['spine3'], 2]


def test_unknown_activity():
    with pytest.raises(KeyError):
        sample_pose(np.random.default_rng(0), 'fly')


def test_statures_of_adults_and_children():
    rng = np.random.default_rng(0)
    adults = np.stack([sample_betas(rng, child=0) for _ in range(300)])
    children = np.stack([sample_betas(rng, child=1) for _ in range(100)])
    body = load_generated_body()
    measured = np.ptp((body.v_template[:, 1] + adults[:40] @ body.shapedirs[:, 1].T), axis=1)
    np.testing.assert_allclose(stature_m(adults[:40]), measured, atol=0.01)
    assert 1.495 < stature_m(adults).min() < 1.56 and 1.84 < stature_m(adults).max() < 1.955
    assert stature_m(adults).mean() == pytest.approx(1.70, abs=0.02)
    assert stature_m(children).min() > 1.04 and stature_m(children).max() < 1.46
    assert np.abs(adults).max() < 6 and adults.std(axis=0).min() > 0.3


def test_children_have_larger_heads_for_their_size():
    rng = np.random.default_rng(3)
    body = load_generated_body()

    def share(betas):
        head = body.joints_template[J['head'], 1] + body.joints_dirs[J['head'], 1] @ betas
        shaped = body.v_template[:, 1] + body.shapedirs[:, 1] @ betas
        return (shaped.max() - head) / np.ptp(shaped)

    adults, children = ([share(sample_betas(rng, child)) for _ in range(30)] for child in (0, 1))
    assert np.mean(children) > 1.12 * np.mean(adults)


def test_no_shape_turns_a_face_over():
    import trimesh

    rng = np.random.default_rng(7)
    body = load_generated_body()
    normals = trimesh.Trimesh(body.v_template, body.faces, process=False).face_normals
    for child in (0, 0, 0, 1, 1, 1):
        shaped = body.v_template + body.shapedirs @ sample_betas(rng, child)
        mesh = trimesh.Trimesh(shaped, body.faces, process=False)
        assert (mesh.face_normals * normals).sum(axis=1).min() > 0
