import itertools
from dataclasses import replace

import numpy as np
import pytest

from das_mm.evaluation.functional import (
    NearestPoseMatcher,
    NearestRootMatcher,
    OneToOneMatcher,
    OneToOneMatcher3D,
    build_matcher,
    covered_by_ignored,
    pair_people,
)
from das_mm.evaluation.functional.matching import match_within_gate
from das_mm.structures.people import People

from .scenes import AB, A, B, project

ALL = np.ones((2, 3), bool)


def people(poses=AB, labelled=None):
    px = project(poses)
    labelled = np.ones(px.shape[:2], bool) if labelled is None else labelled
    return People(
        bboxes_px=np.concatenate([px.min(1), px.max(1)], 1),
        keypoints_px=px,
        keypoints_valid=labelled,
        keypoints_cam_mm=poses,
        keypoints_cam_valid=labelled,
    )


def predictions(poses, px=None):
    poses = np.asarray(poses, float).reshape(-1, 3, 3)
    return People(keypoints_px=project(poses) if px is None else px, keypoints_cam_mm=poses)


EXCLUSIVE = [OneToOneMatcher(), OneToOneMatcher3D()]


@pytest.mark.parametrize('matcher', EXCLUSIVE + [NearestPoseMatcher()])
def test_order_does_not_matter(matcher):
    assert matcher.match(people(), predictions([A, B]), 0).tolist() == [0, 1]
    assert matcher.match(people(), predictions([B, A]), 0).tolist() == [1, 0]


@pytest.mark.parametrize('matcher', EXCLUSIVE)
def test_one_prediction_serves_one_person(matcher):
    assert matcher.match(people(np.stack([A, A + 5])), predictions([A]), 0).tolist() == [0, -1]


def test_nearest_lets_one_prediction_serve_everybody():
    assert NearestPoseMatcher().match(people(), predictions([B]), 0).tolist() == [0, 0]
    # both predictions are the same pose elsewhere: the first wins
    assert NearestPoseMatcher().match(people(), predictions([B, B + 500]), 0).tolist() == [0, 0]


def test_nearest_uses_the_root_relative_pose_only():
    # A's pose stands where B is and the other way round: pairs follow the pose
    a_there, b_here = A + (B[0] - A[0]), B + (A[0] - B[0])
    assert NearestPoseMatcher().match(people(), predictions([a_there, b_here]), 0).tolist() == [0, 1]
    assert OneToOneMatcher3D().match(people(), predictions([a_there, b_here]), 0).tolist() == [1, 0]
    # a person whose root is unknown has no relative pose
    no_root = ALL.copy()
    no_root[1, 0] = False
    assert NearestPoseMatcher().match(people(labelled=no_root), predictions([A, B]), 0).tolist() == [0, -1]


def test_a_wrong_depth_does_not_unpair_in_the_image():
    far = AB * 1.5  # the same pixels, A's root at 3 m instead of 2, B's at 6 instead of 4
    assert OneToOneMatcher().match(people(), predictions(far), 0).tolist() == [0, 1]
    assert OneToOneMatcher3D().match(people(), predictions(far), 0).tolist() == [-1, -1]


def test_gates_are_exclusive_bounds():
    # A's box is 100 x 200 px: size sqrt(20000) = 141.42 px; half of it is 70.71 px
    truth = people(A[None])
    for shift, expected in ((70.7, 0), (70.72, -1)):
        assert OneToOneMatcher().match(truth, predictions(A, project(A[None]) + [shift, 0]), 0).tolist() == [expected]
    for shift, expected in ((499.9, 0), (500.0, -1)):
        assert OneToOneMatcher3D().match(truth, predictions(A + [0, shift, 0]), 0).tolist() == [expected]
    assert OneToOneMatcher(gate=0.8).match(truth, predictions(A, project(A[None]) + [100, 0]), 0).tolist() == [0]


def test_a_good_pair_is_not_broken_up_for_two_bad_ones():
    # person 0 - prediction 0 is perfect. Crossed pairs would cost .45 + .45 = .9, more than 0 + one gate of .5
    cost = np.array([[0.0, 0.45], [0.45, np.inf]])
    assert match_within_gate(cost, 0.5).tolist() == [0, -1]


def test_pairs_minimise_the_gated_cost_against_all_assignments():
    rng = np.random.default_rng(0)
    for _ in range(60):
        n, m = rng.integers(0, 5, 2).tolist()
        cost = np.round(rng.random((n, m)), 1)  # ties are common
        pairs = match_within_gate(cost, 0.5)
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
        np.testing.assert_array_equal(pairs, match_within_gate(cost, 0.5))


def test_only_labelled_keypoints_are_compared():
    labelled = np.array([[True, False, False]])
    truth = people(A[None], labelled)
    px = project(A[None]) + [[[0, 0], [900, 900], [900, 900]]]
    truth.keypoints_px[0, 1] = np.nan
    # the box still gives the size; only the root is compared
    assert OneToOneMatcher().match(truth, predictions(A, px), 0).tolist() == [0]
    assert OneToOneMatcher().match(people(A[None], ~ALL[:1]), predictions(A), 0).tolist() == [-1]


@pytest.mark.parametrize('matcher', EXCLUSIVE + [NearestPoseMatcher()])
def test_nobody_on_either_side(matcher):
    none = np.zeros((0, 3, 3))
    assert matcher.match(people(), predictions(none), 0).tolist() == [-1, -1]
    assert matcher.match(people(none), predictions(AB), 0).tolist() == []
    assert matcher.match(people(none), predictions(none), 0).tolist() == []


def test_matchers_are_built_from_their_names():
    assert isinstance(build_matcher('nearest'), NearestPoseMatcher)
    assert build_matcher(dict(type='one_to_one', gate=0.2)).gate == 0.2
    with pytest.raises(KeyError):
        build_matcher('greedy')


def test_ignored_people_cover_the_predictions_on_them():
    ghost = A + [0, 0, 5000]
    spare = predictions([A + 3, A - 3, ghost])  # several may be covered by one person
    known = replace(people(A[None]), data=dict(is_region=[False]))
    assert covered_by_ignored(known, spare).tolist() == [True, True, False]
    # a region: two of three keypoints inside are enough, one is not
    region = replace(people(A[None], ~ALL[:1]), data=dict(is_region=[True]))
    region.bboxes_px[:] = [300, 200, 430, 250]  # root and hand of A inside, head not
    assert covered_by_ignored(region, predictions([A])).tolist() == [True]
    region.bboxes_px[:] = [300, 200, 330, 250]  # root only
    assert covered_by_ignored(region, predictions([A])).tolist() == [False]


def test_pairs_of_those_who_count():
    """A counts and B does not; of five predictions one is A, one falls on B, one cannot be used, and two are nobody."""
    one = replace(people(), data=dict(evaluated=[True, False], has_pose=[False, False], is_region=[False, False]))
    found = predictions([B + 3, A + 900, A, A + 900, A])
    usable = np.array([True, True, False, True, True])
    pairs = pair_people(OneToOneMatcher(), one, found, usable, 0)
    assert pairs.evaluated.tolist() == [0] and pairs.partner.tolist() == [4] and pairs.found.tolist() == [True]
    assert (pairs.num_used, pairs.num_covered) == (1, 1)
    # nobody has a pose in 3D: all are ignored, and what falls on them is neither right nor wrong
    pairs = pair_people(OneToOneMatcher3D(), one, found, usable, 0)
    assert pairs.evaluated.tolist() == [] and (pairs.num_used, pairs.num_covered) == (0, 2)


def test_the_nearest_root_in_the_image():
    truth = people()
    assert NearestRootMatcher().match(truth, predictions([B]), 0).tolist() == [0, 0]
    assert NearestRootMatcher().match(truth, predictions([B + 1, A + 1]), 0).tolist() == [1, 0]
    assert NearestRootMatcher().match(truth, predictions([]), 0).tolist() == [-1, -1]
