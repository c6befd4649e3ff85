import itertools

import numpy as np
import pytest

from das_mm.evaluation.functional import (
    Nearest,
    OneToOne,
    OneToOne3D,
    PredictedPeople,
    TruePeople,
    build_matching,
    covered_by_ignored,
)
from das_mm.evaluation.functional.matching import _pair_exclusively

from .scenes import AB, A, B, project

ALL = np.ones((2, 3), bool)


def people(poses=AB, labelled=None):
    px = project(poses)
    labelled = np.ones(px.shape[:2], bool) if labelled is None else labelled
    return TruePeople(px, labelled, np.concatenate([px.min(1), px.max(1)], 1), poses, labelled)


def predictions(poses, px=None):
    poses = np.asarray(poses, float).reshape(-1, 3, 3)
    return PredictedPeople(project(poses) if px is None else px, poses)


EXCLUSIVE = [OneToOne(), OneToOne3D()]


@pytest.mark.parametrize('rule', EXCLUSIVE + [Nearest()])
def test_order_does_not_matter(rule):
    assert rule.match(people(), predictions([A, B]), 0).tolist() == [0, 1]
    assert rule.match(people(), predictions([B, A]), 0).tolist() == [1, 0]


@pytest.mark.parametrize('rule', EXCLUSIVE)
def test_one_prediction_serves_one_person(rule):
    assert rule.match(people(np.stack([A, A + 5])), predictions([A]), 0).tolist() == [0, -1]


def test_nearest_lets_one_prediction_serve_everybody():
    assert Nearest().match(people(), predictions([B]), 0).tolist() == [0, 0]
    # both predictions are the same pose elsewhere: the first wins
    assert Nearest().match(people(), predictions([B, B + 500]), 0).tolist() == [0, 0]


def test_nearest_uses_the_root_relative_pose_only():
    # A's pose stands where B is and the other way round: pairs follow the pose
    a_there, b_here = A + (B[0] - A[0]), B + (A[0] - B[0])
    assert Nearest().match(people(), predictions([a_there, b_here]), 0).tolist() == [0, 1]
    assert OneToOne3D().match(people(), predictions([a_there, b_here]), 0).tolist() == [1, 0]
    # a person whose root is unknown has no relative pose
    no_root = ALL.copy()
    no_root[1, 0] = False
    assert Nearest().match(people(labelled=no_root), predictions([A, B]), 0).tolist() == [0, -1]


def test_a_wrong_depth_does_not_unpair_in_the_image():
    far = AB * 1.5  # the same pixels, A's root at 3 m instead of 2, B's at 6 instead of 4
    assert OneToOne().match(people(), predictions(far), 0).tolist() == [0, 1]
    assert OneToOne3D().match(people(), predictions(far), 0).tolist() == [-1, -1]


def test_gates_are_exclusive_bounds():
    # A's box is 100 x 200 px: size sqrt(20000) = 141.42 px; half of it is 70.71 px
    truth = people(A[None])
    for shift, expected in ((70.7, 0), (70.72, -1)):
        assert OneToOne().match(truth, predictions(A, project(A[None]) + [shift, 0]), 0).tolist() == [expected]
    for shift, expected in ((499.9, 0), (500.0, -1)):
        assert OneToOne3D().match(truth, predictions(A + [0, shift, 0]), 0).tolist() == [expected]
    assert OneToOne(gate=0.8).match(truth, predictions(A, project(A[None]) + [100, 0]), 0).tolist() == [0]


def test_a_good_pair_is_not_broken_up_for_two_bad_ones():
    # person 0 - prediction 0 is perfect. Crossed pairs would cost .45 + .45 = .9, more than 0 + one gate of .5
    cost = np.array([[0.0, 0.45], [0.45, np.inf]])
    assert _pair_exclusively(cost, 0.5).tolist() == [0, -1]


def test_pairs_minimise_the_gated_cost_against_all_assignments():
    rng = np.random.default_rng(0)
    for _ in range(60):
        n, m = rng.integers(0, 5, 2).tolist()
        cost = np.round(rng.random((n, m)), 1)  # ties are common
        pairs = _pair_exclusively(cost, 0.5)
        used = pairs[pairs >= 0]
        assert len(set(used)) == len(used)
        assert all(cost[i, j] < 0.5 for i, j in enumerate(pairs) if j >= 0)
        total = sum(cost[i, j] if j >= 0 else 0.5 for i, j in enumerate(pairs))
        slots = list(range(m)) + [-1] * n
        best = min(
            sum(min(cost[i, j], 0.5) if j >= 0 else 0.5 for i, j in enumerate(choice))
            for choice in itertools.permutations(slots, n)
        )
        assert total == pytest.approx(best)
        np.testing.assert_array_equal(pairs, _pair_exclusively(cost, 0.5))


def test_only_labelled_keypoints_are_compared():
    labelled = np.array([[True, False, False]])
    truth = people(A[None], labelled)
    px = project(A[None]) + [[[0, 0], [900, 900], [900, 900]]]
    truth.keypoints_px[0, 1] = np.nan
    # the box still gives the size; only the root is compared
    assert OneToOne().match(truth, predictions(A, px), 0).tolist() == [0]
    assert OneToOne().match(people(A[None], ~ALL[:1]), predictions(A), 0).tolist() == [-1]


@pytest.mark.parametrize('rule', EXCLUSIVE + [Nearest()])
def test_nobody_on_either_side(rule):
    none = np.zeros((0, 3, 3))
    assert rule.match(people(), predictions(none), 0).tolist() == [-1, -1]
    assert rule.match(people(none), predictions(AB), 0).tolist() == []
    assert rule.match(people(none), predictions(none), 0).tolist() == []


def test_rules_are_built_from_their_names():
    assert isinstance(build_matching('nearest'), Nearest)
    assert build_matching(dict(type='one_to_one', gate=0.2)).gate == 0.2
    with pytest.raises(KeyError):
        build_matching('greedy')


def test_ignored_people_cover_the_predictions_on_them():
    ghost = A + [0, 0, 5000]
    spare = predictions([A + 3, A - 3, ghost])  # several may be covered by one person
    assert covered_by_ignored(people(A[None]), np.array([False]), spare).tolist() == [True, True, False]
    # a region: two of three keypoints inside are enough, one is not
    region = people(A[None], ~ALL[:1])
    region.bboxes[:] = [300, 200, 430, 250]  # root and hand of A inside, head not
    assert covered_by_ignored(region, np.array([True]), predictions([A])).tolist() == [True]
    region.bboxes[:] = [300, 200, 330, 250]  # root only
    assert covered_by_ignored(region, np.array([True]), predictions([A])).tolist() == [False]
