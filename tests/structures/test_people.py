from __future__ import annotations

import numpy as np
import pytest
import torch

from das_mm.structures.people import People


def test_from_instances():
    instances = dict(
        keypoints=torch.rand(2, 15, 2),
        keypoints_3d=torch.rand(2, 15, 3, dtype=torch.float16),
        keypoints_visible=torch.tensor([[1.0] * 15, [0.0] * 15]),
        keypoints_3d_valid=np.array([[1] * 14 + [0]] * 2),
        root_depths_mm=torch.tensor([3000.0, 0.0]),
        displacements_px=torch.ones(2, 2, dtype=torch.bfloat16),
        labels=['not', 'an array'],
    )
    people = People.from_instances(instances)
    assert people.shown_px.sum(1).tolist() == [15, 0] and people.shown_cam.sum(1).tolist() == [14, 0]
    assert people.root_depths_mm[0] == 3000 and np.isnan(people.root_depths_mm[1])
    assert people.data['displacements_px'].tolist() == [[1, 1], [1, 1]] and 'labels' not in people.data
    # a prediction has scores; what mmpose calls visible there is no label
    assert People.from_instances({**instances, 'scores': torch.ones(2)}).keypoints_valid is None


def test_select_takes_every_field_along():
    rng = np.random.default_rng(0)
    people = People(
        scores=[0.9, 0.5, 0.7],
        track_ids=[4.0, -1, 2],
        keypoints_px=rng.random((3, 5, 2)),
        masks=np.zeros((3, 4, 6), bool),
        data=dict(genders=np.array(['m', 'f', 'n'])),
    )
    assert people.track_ids.dtype == np.int64
    chosen = people.select(people.scores > 0.6)
    assert len(chosen) == 2 and chosen.track_ids.tolist() == [4, 2] and chosen.data['genders'].tolist() == ['m', 'n']
    assert (chosen.keypoints_px == people.keypoints_px[[0, 2]]).all() and chosen.masks.shape == (2, 4, 6)
    assert people.select([2, 0]).scores.tolist() == [0.7, 0.9] and len(people.select(slice(0))) == 0
    assert chosen.bboxes_px is None


def test_nobody():
    assert len(People()) == 0 and People().shown_px.shape == (0, 0)
    nobody = People.empty(15)
    assert len(nobody) == 0 and not nobody and nobody.keypoints_cam_mm.shape == (0, 15, 3)
    # as an empty list of people leaves them
    lost = People(keypoints_px=np.zeros((0, 15, 2)), keypoints_valid=[], bboxes_px=[], masks=np.zeros(0))
    assert lost.keypoints_valid.shape == (0, 15) and lost.bboxes_px.shape == (0, 4) and lost.masks.shape == (0, 0, 0)
    assert len(People(data=dict(heights_mm=[1800.0]))) == 1


@pytest.mark.parametrize(
    'fields, words',
    [
        (dict(scores=np.ones(2), root_depths_mm=np.ones(3)), r"different number: {'scores': 2, 'root_depths_mm': 3}"),
        (dict(scores=np.ones(2), data=dict(ages=[1, 2, 3])), r"data\['ages'\]"),
        (dict(scores=0.5), 'scores has no axis of people'),
        (dict(bboxes_px=np.ones((2, 5))), r'bboxes_px of 2 people has shape \(2, 5\), expected \(N, 4\)'),
        (dict(keypoints_px=np.ones((2, 15, 3))), r'expected \(N, K, 2\)'),
        (dict(keypoints_sigma=np.ones((2, 15, 4))), r'expected \(N, K, D\)'),
        (
            dict(keypoints_px=np.ones((2, 15, 2)), keypoints_cam_mm=np.ones((2, 14, 3))),
            r'keypoints_cam_mm has shape \(2, 14, 3\) with K = 14, but keypoints_px has K = 15',
        ),
    ],
)
def test_arrays_that_do_not_fit(fields, words):
    with pytest.raises(ValueError, match=words):
        People(**fields)


def test_sizes():
    """Of the box, or of the shown keypoints where they reach out of it."""
    people = People(
        bboxes_px=[[0, 0, 40, 10], [0, 0, 40, 10], [0, 0, 0.25, 16]],
        keypoints_px=[[[0, 0], [80, 20]], [[0, 0], [80, 20]], [[np.nan, 0], [3, 3]]],
        keypoints_valid=[[1, 1], [1, 0], [1, 1]],
    )
    assert people.sizes_px().tolist() == [40, 20, 2] and people.sizes_px(least_side=1.0).tolist() == [40, 20, 4]
    with pytest.raises(ValueError, match='boxes'):
        People(scores=[1.0]).sizes_px()


def test_threshold_of_keypoints():
    people = People(keypoint_scores=[[0.2, 0.4]], keypoints_px=np.zeros((1, 2, 2)), keypoints_valid=[[1, 0]])
    assert people.with_keypoints_above(0.3).shown_px.tolist() == [[False, False]]
    assert people.with_keypoints_above(0.1).shown_px.tolist() == [[True, False]]
    assert people.keypoints_valid.tolist() == [[1, 0]]
