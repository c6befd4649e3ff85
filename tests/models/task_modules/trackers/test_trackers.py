"""Births, deaths, patience, re-entry, cuts and bad input, of all trackers alike; crossings of each its own."""

from __future__ import annotations

import doctest
import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from das_mm.errors import UserError
from das_mm.models.task_modules.trackers import (
    GreedyTracker,
    GreedyTracker3D,
    NearestPoseTracker,
    greedy,
    match_by_cost,
    match_by_score,
    matching,
    tracked_people,
    with_camera_roots,
)
from das_mm.models.task_modules.trackers.tracked_people import radii_px
from das_mm.registry import TASK_UTILS
from das_mm.structures.people import People

from .scenarios import NOBODY, SIZE, people, without_displacements

TRACKERS = (GreedyTracker, NearestPoseTracker, GreedyTracker3D)
every_tracker = pytest.mark.parametrize('tracker_class', TRACKERS)


def run(tracker, frames):
    return [tracker.update(frame).tolist() for frame in frames]


def test_examples():
    for module in (greedy, matching):
        outcome = doctest.testmod(module)
        assert outcome.attempted and not outcome.failed


def test_they_are_built_by_name():
    for cls in TRACKERS:
        tracker = TASK_UTILS.build(dict(type=cls.__name__, birth_score=0.7, patience=2))
        assert type(tracker) is cls and tracker.birth_score == 0.7 and tracker.patience == 2


@every_tracker
def test_two_people_walk(tracker_class):
    frames = [people([[100 + 5 * t, 100], [400 - 5 * t, 120]], moved=[[5, 0], [-5, 0]]) for t in range(10)]
    frames = [frame.select([1, 0]) if t % 2 else frame for t, frame in enumerate(frames)]  # rows mean nothing
    assert run(tracker_class(), frames) == [[1, 0] if t % 2 else [0, 1] for t in range(10)]


def crossing(step):
    """Two people walk through each other, meeting in the middle: left to right first, and right to left."""
    return [
        people([[100 + step * t, 100], [100 + step * (9 - t), 100]], moved=[[step, 0], [-step, 0]]) for t in range(10)
    ]


@pytest.mark.parametrize('step', [5, 15, 25])
@pytest.mark.parametrize('order', ['score', 'distance'])
def test_displacement_keeps_people_apart_who_cross(step, order):
    assert run(GreedyTracker(order=order), crossing(step)) == [[0, 1]] * 10


def test_without_displacement_they_change_places():
    # between frames 4 and 5 the nearest place in the last frame is the other's: what the ablation measures
    ids = run(NearestPoseTracker(), [without_displacements(frame) for frame in crossing(15)])
    assert ids[:5] == [[0, 1]] * 5 and ids[5:] == [[1, 0]] * 5


@every_tracker
@pytest.mark.parametrize('missing, same', [(1, True), (3, True), (4, False), (10, False)])
def test_occlusion(tracker_class, missing, same):
    seen = [people([[100, 100], [300, 100]])] * 2
    hidden = [people([[300, 100]])] * missing
    ids = run(tracker_class(patience=3), seen + hidden + seen)
    assert ids[:2] == [[0, 1]] * 2 and ids[2 : 2 + missing] == [[1]] * missing
    assert ids[2 + missing :] == [[0, 1] if same else [2, 1]] * 2  # an old number is never given to anybody new


@every_tracker
def test_without_patience_one_missed_frame_ends_an_identity(tracker_class):
    there = people([[100, 100]])
    assert run(tracker_class(patience=0), [there, there, NOBODY, there]) == [[0], [0], [], [1]]


@every_tracker
def test_reentry_elsewhere_is_somebody_new(tracker_class):
    frames = [people([[20, 100]]), NOBODY, people([[600, 100]]), people([[600, 100], [22, 100]])]
    assert run(tracker_class(), frames) == [[0], [], [1], [1, 0]]


@every_tracker
def test_two_enter_at_once(tracker_class):
    old = [300, 100]
    frames = [
        people([old]),
        people([[20, 100], [600, 100], old], scores=[0.5, 0.7, 0.6]),
        people([[600, 100], old, [20, 100]]),
    ]
    # the surer of both is the first
    assert run(tracker_class(), frames) == [[0], [2, 1, 0], [1, 0, 2]]


@every_tracker
def test_nobody(tracker_class):
    tracker = tracker_class()
    assert run(tracker, [NOBODY, NOBODY, people([[50, 50]]), NOBODY]) == [[], [], [0], []]
    assert tracker.update(NOBODY).dtype == np.int64
    assert tracker_class().previous() == []


@every_tracker
def test_birth_scores(tracker_class):
    tracker = tracker_class(birth_score=0.5)
    faint, sure = people([[100, 100]], scores=[0.49]), people([[100, 100]], scores=[0.5])
    assert run(tracker, [faint, faint, sure, faint, faint]) == [[-1], [-1], [0], [0], [0]]  # it may fade later


@every_tracker
def test_a_cut_to_other_places(tracker_class):
    before = people([[100, 100], [300, 100], [500, 100]])
    after = people([[200, 300], [400, 300]])
    assert run(tracker_class(), [before, before, after, after]) == [[0, 1, 2]] * 2 + [[3, 4]] * 2


def test_a_cut_to_a_closer_view():
    """Somebody three times as large is where somebody was: not the same person, though the centre hardly moved."""
    after = people([[105, 100]], sizes=[[3 * side for side in SIZE]])
    assert run(GreedyTracker(), [people([[100, 100]]), after]) == [[0], [1]]
    assert run(GreedyTracker(max_size_ratio=4.0), [people([[100, 100]]), after]) == [[0], [0]]


@every_tracker
def test_a_cut_that_is_known(tracker_class):
    tracker, same = tracker_class(), people([[100, 100], [300, 100]])
    tracker.update(same)
    tracker.cut()
    assert tracker.previous() == []
    assert tracker.update(same).tolist() == [2, 3]
    tracker.reset()
    assert tracker.update(same).tolist() == [0, 1]


def test_the_radius_is_that_of_the_smaller_person():
    radius = 60.0  # of SIZE
    for step, ids in ((radius - 1, [0]), (radius + 1, [1])):
        tracker = GreedyTracker()
        tracker.update(people([[100, 100]], sizes=[[80.0, 180.0]]))
        assert tracker.update(people([[100 + step, 100]])).tolist() == ids


def test_the_surest_person_chooses_first_or_the_nearest_pair():
    start = [people([[100, 100], [130, 100]])]
    # A (surest) is nearest to 1 but so is B, who has no other within the radius
    contested = people([[125, 100], [131, 100]], scores=[0.9, 0.8])
    assert run(GreedyTracker(radius=0.5, order='score'), start + [contested]) == [[0, 1], [1, 2]]
    assert run(GreedyTracker(radius=0.5, order='distance'), start + [contested]) == [[0, 1], [0, 1]]


def test_ties_go_to_the_first():
    start = people([[80, 100], [120, 100]])
    between = people([[100, 100]])
    assert run(GreedyTracker(), [start, between]) == [[0, 1], [0]]
    both = people([[100, 100], [100, 100]], scores=[0.9, 0.9])
    assert run(GreedyTracker(), [start, both]) == [[0, 1], [0, 1]]
    assert match_by_score(np.zeros((3, 2)), np.ones(3)).tolist() == [0, 1, -1]
    assert match_by_cost(np.zeros((3, 2))).tolist() == [0, 1, -1]


@every_tracker
def test_the_same_again_and_in_any_order_of_rows(tracker_class):
    rng = np.random.default_rng(0)
    frames = [people(rng.uniform(0, 300, (4, 2)), scores=[0.9, 0.8, 0.7, 0.6]) for _ in range(12)]
    wanted = run(tracker_class(), frames)
    assert wanted == run(tracker_class(), frames)
    for order in itertools.islice(itertools.permutations(range(4)), 0, 24, 7):
        shuffled = run(tracker_class(), [frame.select(list(order)) for frame in frames])
        assert shuffled == [[ids[row] for row in order] for ids in wanted]


@every_tracker
@pytest.mark.parametrize('field', ['roots_px', 'bboxes_px', 'scores', 'displacements_px'])
def test_people_who_are_no_numbers_have_no_identity(tracker_class, field):
    tracker, good, bad = tracker_class(), people([[100, 100], [300, 100]]), people([[100, 100], [300, 100]])
    {**bad.arrays(), **bad.data}[field][0] = np.nan
    assert run(tracker, [good, bad, good, bad]) == [[0, 1], [-1, 1], [0, 1], [-1, 1]]
    assert tracker.num_ignored == 2
    assert np.isfinite(tracker.previous()).all()


def test_a_person_at_the_border_is_as_large_as_inside():
    """The box ends with the image, the keypoints do not."""
    inside, cut = people([[20, 100]]), people([[12, 100]], moved=[[-8, 0]], sizes=[[2.0, 90.0]])
    keypoints = np.array([[[-20.0, 55.0], [20.0, 145.0]]])  # a box of 40 x 90 px
    inside, cut = (replace(frame, keypoints_px=keypoints) for frame in (inside, cut))
    assert radii_px(cut) == pytest.approx(60.0) and run(GreedyTracker(), [inside, cut]) == [[0], [0]]
    unknown = replace(cut, keypoints_px=np.full((1, 2, 2), np.nan))
    assert radii_px(unknown) == pytest.approx(180**0.5)


def test_keypoints_that_are_not_known_are_left_out():
    first, second = (people([[x, 100.0]]) for x in (100, 110))
    second.keypoints_px[0, 0], first.keypoints_px[0, 3] = np.nan, np.nan
    assert run(NearestPoseTracker(), [first, second]) == [[0], [0]]
    second.keypoints_px[0, :3] = np.nan  # nothing in common
    assert run(NearestPoseTracker(), [first, second]) == [[0], [1]]


def test_previous_centers_for_the_network():
    tracker = GreedyTracker(patience=1)
    tracker.update(people([[100, 100], [300, 50]]))
    tracker.update(people([[305, 50]], moved=[[5, 0]]))
    centers, sizes = zip(*tracker.previous())
    assert np.allclose(centers, [[100, 100], [305, 50]]) and np.allclose(sizes, SIZE)  # the missed one waits
    tracker.update(NOBODY)
    assert len(tracker.previous()) == 1
    tracker.previous()[0][0][:] = np.nan  # a copy
    assert np.isfinite(tracker.previous()[0][0]).all()


def test_who_is_shown_may_be_limited_to_those_just_seen():
    """CenterTrack's way: who was lost lives on, and comes back, but is not in the centre map."""
    for shown, expected in ((None, [2, 2, 2, 1]), (0, [2, 1, 1, 1]), (1, [2, 2, 1, 1])):
        tracker, counts = GreedyTracker(patience=2, shown_missed=shown), []
        tracker.update(people([[100, 100], [300, 50]]))
        for _ in range(4):
            counts.append(len(tracker.previous()))
            tracker.update(people([[300, 50]]))
        assert counts == expected
    tracker = GreedyTracker(shown_missed=0)
    assert run(tracker, [people([[100, 100]]), NOBODY, people([[100, 100]])]) == [[0], [], [0]]
    with pytest.raises(UserError, match='shown_missed'):
        GreedyTracker(shown_missed=-1)


def test_bad_input():
    tracker = GreedyTracker()
    with pytest.raises(UserError, match='NearestPoseTracker'):
        run(tracker, [without_displacements(people([[1, 1]]))] * 2)
    with pytest.raises(UserError, match='no keypoints'):
        run(NearestPoseTracker(), [replace(people([[1, 1]]), keypoints_px=None)] * 2)
    with pytest.raises(UserError, match='bboxes_px'):
        tracker.update(replace(people([[1, 1]]), bboxes_px=None))
    with pytest.raises(UserError, match='patience'):
        GreedyTracker(patience=-1)
    with pytest.raises(UserError, match='order'):
        GreedyTracker(order='size')


def test_reads_predictions():
    points = torch.tensor([[[0.0, 0, 2000], [200, 0, 2100], [0, 400, 2000]]])
    found = dict(
        roots_px=np.array([[5.0, 6.0]]),
        bboxes=torch.tensor([[0.0, 10, 40, 90]]),
        scores=torch.tensor([0.5]),
        displacements_px=np.array([[1.0, 2.0]]),
        keypoints=points[..., :2],
        keypoints_3d=points,
        keypoints_sigma=np.array([[[2.0, 4, 70]] * 3]),
        labels=torch.tensor([7]),
    )
    plain = tracked_people(People.from_instances(found))
    assert list(plain.data) == ['displacements_px'] and all(a.dtype == np.float64 for a in plain.arrays().values())
    placed = tracked_people(with_camera_roots(People.from_instances(found), root=(0, 1), focal_px=1000.0))
    assert placed.data['roots_cam_mm'].tolist() == [[100, 0, 2050]]
    assert np.allclose(placed.data['keypoints_sigma_mm'][0], [[4, 8, 70], [4.2, 8.4, 70], [4, 8, 70]])
    # a model of the image plane alone: the tracker has its own guess of the third
    flat = People.from_instances({**found, 'keypoints_sigma': found['keypoints_sigma'][..., :2]})
    sigma_mm = with_camera_roots(flat, root=(0, 1), focal_px=1000.0).data['keypoints_sigma_mm']
    assert np.allclose(sigma_mm[0, 1, :2], [4.2, 8.4]) and np.isnan(sigma_mm[..., 2]).all()
    empty = People.from_instances({name: value[:0] for name, value in found.items()})
    assert GreedyTracker3D().update(with_camera_roots(empty, root=(0,), focal_px=1.0)).tolist() == []
