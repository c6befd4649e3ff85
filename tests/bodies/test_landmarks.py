"""Keypoints of the body: where a person has them, on the right side, linear."""

from __future__ import annotations

import numpy as np
import pytest

from das_mm.bodies import (
    JOINT_NAMES,
    KEYPOINT_NAMES,
    keypoint_matrix,
    keypoints_from_body,
    linear_blend_skinning,
    load_generated_body,
)
from das_mm.bodies.skeleton import mirror_name
from das_mm.structures.keypoint_sets import KEYPOINT_SETS


@pytest.fixture(scope='module')
def rest():
    body = load_generated_body()
    points = keypoints_from_body(body, body.v_template[None], body.joints_template[None])
    return {name: point[0] for name, point in points.items()}


# supersets hold a detector's keypoints beside those of people, which regressors give (test_super_joints.py)
SUPERSETS = {'spin49', 'prohmr44'}


@pytest.mark.parametrize('name', sorted(set(KEYPOINT_SETS) - SUPERSETS))
def test_every_keypoint_set_is_covered(name):
    assert set(KEYPOINT_SETS[name].keypoints) <= set(KEYPOINT_NAMES)


def test_left_is_the_persons_left(rest):
    for name, point in rest.items():
        if name.startswith('left_'):
            assert point[0] > 0.02, name
            np.testing.assert_allclose(point, rest[mirror_name(name)] * [-1, 1, 1], atol=4e-3, err_msg=name)
        elif not name.startswith('right_'):
            assert abs(point[0]) < 2e-3, name


def test_order_from_head_to_foot(rest):
    down = (
        'head_top',
        'left_eye',
        'nose',
        'jaw',
        'neck',
        'thorax',
        'spine',
        'smpl_pelvis',
        'mid_hip',
        'left_knee',
        'left_ankle',
        'left_heel',
    )
    heights = [rest[name][1] for name in down]
    assert heights == sorted(heights, reverse=True)
    assert rest['head_top'][1] > rest['head'][1] > rest['upper_neck'][1] > rest['neck'][1]


def test_face_looks_forward(rest):
    assert rest['nose'][2] > rest['left_eye'][2] + 0.01 > rest['left_ear'][2] + 0.05
    assert rest['left_big_toe'][2] > rest['left_foot'][2] > rest['left_ankle'][2] > rest['left_heel'][2]
    assert rest['left_thumb'][2] > rest['left_index'][2] > rest['left_pinky'][2]
    assert 0.05 < rest['left_eye'][0] - rest['right_eye'][0] < 0.075  # distance of the eyes


def test_derived_points(rest):
    np.testing.assert_allclose(rest['mid_hip'], 0.5 * (rest['left_hip'] + rest['right_hip']))
    np.testing.assert_allclose(rest['thorax'], 0.5 * (rest['left_shoulder'] + rest['right_shoulder']))


def test_keypoints_are_linear_and_follow_the_matrix():
    body = load_generated_body()
    rng = np.random.default_rng(0)
    orient, pose, betas, transl = (rng.normal(size=(3, *shape)) for shape in ((3,), (23, 3), (10,), (3,)))
    vertices, joints = linear_blend_skinning(body, orient, 0.4 * pose, betas, transl)
    points = keypoints_from_body(body, vertices, joints)
    matrix = keypoint_matrix()
    np.testing.assert_allclose(np.asarray(matrix.sum(axis=1)).ravel(), 1)
    both = np.concatenate([vertices, joints], axis=1)
    for row, name in enumerate(KEYPOINT_NAMES):
        np.testing.assert_allclose(points[name], np.stack([(matrix @ person)[row] for person in both]), atol=1e-6)
    shifted = keypoints_from_body(body, 2 * vertices + 1, 2 * joints + 1)
    np.testing.assert_allclose(shifted['nose'], 2 * points['nose'] + 1, atol=1e-5)


def test_joint_keypoints_are_the_joints():
    body = load_generated_body()
    joints = np.random.default_rng(0).normal(size=(1, 24, 3))
    points = keypoints_from_body(body, body.v_template[None], joints)
    for name in ('left_knee', 'right_wrist', 'left_collar', 'spine3'):
        np.testing.assert_allclose(points[name][0], joints[0, JOINT_NAMES.index(name)])


def test_unknown_name_is_named():
    with pytest.raises(KeyError, match='tail'):
        keypoint_matrix(('nose', 'tail'))
