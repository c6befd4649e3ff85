"""Rows of the SMPL file beside an annotation file: people with and without parameters, several images, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from das_mm.datasets.converters.base import camera_entry, person_entry
from das_mm.datasets.converters.smpl_rows import SMPLRows, smpl_entry
from das_mm.errors import UserError


def person(depth_mm: float, **more) -> dict:
    points = np.full((17, 3), depth_mm)
    return person_entry('coco17', np.full((17, 2), 5.0), np.full(17, 2), (64, 48), points_mm=points, **more)


def parameters(number: float, gender: str = 'f') -> dict:
    return smpl_entry(np.full(3, number), np.full(69, number), np.full(10, number), np.full(3, number), gender)


def test_rows_follow_the_annotations(tmp_path):
    rows = SMPLRows('coco17')
    first = [
        person(4000.0, smpl=parameters(0.1), track_id=7),
        person(5000.0),
        person(6000.0, smpl=parameters(0.2, 'm')),
    ]
    last = [person(3000.0, smpl=parameters(0.3), is_valid=False)]
    rows.take(dict(file_name='a.jpg', cam_param=camera_entry(np.eye(3))), first)
    rows.take(dict(file_name='b.jpg'), [])
    rows.take(dict(file_name='c.jpg'), last)
    assert [one.get('smpl') for one in first + last] == [0, None, 1, 2] and len(rows) == 3
    rows.write(tmp_path / 'smpl.npz')
    with np.load(tmp_path / 'smpl.npz', allow_pickle=False) as stored:
        got = dict(stored)
    assert got['image_path'].tolist() == ['a.jpg', 'a.jpg', 'c.jpg'] and got['gender'].tolist() == ['f', 'm', 'f']
    assert got['frame_range'].tolist() == [[0, 2], [2, 2], [2, 3]]
    np.testing.assert_allclose(got['body_pose'], np.array([0.1, 0.2, 0.3])[:, None, None] * np.ones((3, 23, 3)))
    np.testing.assert_allclose(got['keypoints3d'][:, 0], [[4, 4, 4, 1], [6, 6, 6, 1], [3, 3, 3, 1]])  # metres
    assert got['track_id'].tolist() == [7, -1, -1] and got['is_valid'].tolist() == [True, True, False]
    assert (got['cam_K'][0] == np.eye(3)).all() and np.isnan(got['cam_K'][1:]).all()


@pytest.mark.parametrize(
    'wrong, words',
    [
        (dict(body_pose=np.zeros(63)), 'body_pose must be 23 × 3'),
        (dict(betas=np.full(10, np.nan)), 'betas must be 10'),
        (dict(gender='x'), "'x' is no gender"),
    ],
)
def test_parameters_that_are_wrong(wrong, words):
    given = dict(global_orient=np.zeros(3), body_pose=np.zeros(69), betas=np.zeros(10), transl_m=np.zeros(3))
    with pytest.raises(UserError, match=words):
        smpl_entry(**{**given, **wrong})
