"""PoseTrack's AP and MOTA, worked out by hand: heads of 100 px diagonal are 60 px large, so matches end at 30 px."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from das_mm.evaluation.functional.posetrack import (
    NUM_JOINTS,
    PoseTrackFrame,
    assign_poses,
    average_precision,
    by_group,
    count_joints,
    head_sizes,
    joint_frames,
    without_ignored,
)
from das_mm.structures.people import People

J = NUM_JOINTS
POSE = np.column_stack([np.arange(J) * 100.0, np.zeros(J)])  # joints far apart


def person(x=0.0, y=1000.0, has=None):
    """Joints of one person (J, 2) and which there are (J,)."""
    there = np.ones(J, bool) if has is None else np.isin(np.arange(J), has)
    return np.where(there[:, None], POSE + [x, y], 0), there


def frame(true=(), predicted=(), true_ids=None, predicted_ids=None, scores=None) -> PoseTrackFrame:
    (true_px, annotated), (pred_px, present) = (
        (np.array([px for px, _ in some]).reshape(-1, J, 2), np.array([has for _, has in some], bool).reshape(-1, J))
        for some in (true, predicted)
    )
    n, m = len(true), len(predicted)
    scores = np.full(m, 0.9) if scores is None else np.array(scores, float)
    return PoseTrackFrame(
        People(
            keypoints_px=true_px,
            keypoints_valid=annotated,
            track_ids=np.arange(n) if true_ids is None else true_ids,
            data=dict(head_sizes_px=np.full(n, 60.0)),
        ),
        People(
            scores=scores,
            track_ids=np.arange(m) if predicted_ids is None else predicted_ids,
            keypoints_px=pred_px,
            keypoints_valid=present,
            keypoint_scores=np.repeat(scores[:, None], J, 1),
        ),
    )


def mota(video):
    return np.array([counts.mota for counts in count_joints(video)])


def test_head_size():
    assert head_sizes(np.array([[10.0, 10.0, 70.0, 90.0]])) == pytest.approx([60.0])  # 0.6 of 100


def test_truth_as_prediction():
    frames = [frame([person(), person(5000)], [person(5000), person()], predicted_ids=[1, 0])] * 3
    precision = average_precision(frames)
    assert (precision.ap == 100).all() and (precision.recall == 100).all() and (precision.precision == 100).all()
    assert (mota(frames) == 100).all()
    assert all(counts.idf1 == 100 and counts.motp == 100 for counts in count_joints(frames))


def test_case_a_the_last_frame_does_not_count():
    def video(ids):
        return [frame([person()], [person()], predicted_ids=[identity]) for identity in ids]

    assert (mota(video([7, 8, 8])) == 50).all()  # a switch between frames 1 and 2; two frames count
    assert (mota(video([7, 7, 8])) == 100).all()
    assert np.isnan(mota(video([7]))).all()


def test_case_b_a_stray_above_the_right_one():
    frames = [frame([person()], [person(), person(50000)], scores=[0.5, 0.9])]
    assert average_precision(frames).ap == pytest.approx(np.full(J, 50.0))
    below = [frame([person()], [person(), person(50000)], scores=[0.9, 0.5])]
    assert average_precision(below).ap == pytest.approx(np.full(J, 100.0))


def test_case_c_a_prediction_in_an_ignored_region():
    region = np.array([[-10.0, 1990.0], [2000.0, 1990.0], [2000.0, 2010.0], [-10.0, 2010.0]])
    clean = frame([person()], [person()])
    dirty = frame([person()], [person(), person(y=2000.0)], scores=[0.9, 0.95])
    kept = without_ignored(dirty, [region])
    assert len(kept.predictions.track_ids) == 1 and kept.predictions.track_ids[0] == 0
    for video in ([clean] * 3, [kept] * 3):
        assert (mota(video) == 100).all() and (average_precision(video).ap == 100).all()
    assert (mota([dirty] * 3) == 0).all() and (average_precision([dirty] * 3).ap == 50).all()


def test_points_in_a_region_go_on_both_sides():
    region = np.array([[-50.0, 950.0], [250.0, 950.0], [250.0, 1050.0], [-50.0, 1050.0]])  # joints 0, 1, 2
    kept = without_ignored(frame([person()], [person()]), [region])
    assert kept.annotated[0].tolist() == kept.present[0].tolist() == [False] * 3 + [True] * 12
    everything = np.array([[-50.0, 950.0], [2000.0, 950.0], [2000.0, 1050.0], [-50.0, 1050.0]])
    gone = without_ignored(frame([person(), person(y=3000.0)], [person()], true_ids=[4, 5]), [everything])
    assert gone.ground_truth.track_ids.tolist() == [5] and len(gone.predictions.track_ids) == 0


def test_a_frame_emptied_by_a_region_stays():
    region = np.array([[-50.0, 950.0], [2000.0, 950.0], [2000.0, 1050.0], [-50.0, 1050.0]])
    emptied = without_ignored(frame([person()], [person(), person(y=3000.0)]), [region])
    assert len(emptied.ground_truth.track_ids) == 0 and len(emptied.predictions.track_ids) == 1
    good = frame([person()], [person()])
    # the stray is a false positive of AP with a score like the others: 2 right of 3, the sort puts it first or last
    precision = average_precision([good, emptied, good])
    assert (precision.precision == pytest.approx(100 * 2 / 3)) and (precision.recall == 100).all()
    # for MOTA it is one miss and one false positive of every joint: 1 − 2 / 2 objects
    assert (mota([good, emptied, good]) == 0).all()


def test_a_frame_without_predictions_costs_one_miss_and_one_false_positive():
    """Two people, nobody predicted: poseval enters one object with one miss and one false positive, not two misses."""
    both = [person(), person(5000)]
    video = [frame(both, both), frame(both), frame(both, both)]
    (dummy,) = {(tuple(one.true_ids), tuple(one.predicted_ids)) for one in joint_frames(video[1])}
    assert dummy == ((0,), (0,))
    counts = count_joints(video)
    assert [(c.misses, c.false_positives, c.switches, c.objects) for c in counts] == [(1, 1, 0, 3)] * J
    assert mota(video) == pytest.approx(np.full(J, 100 * (1 - 2 / 3)))


def test_the_edge_of_a_match():
    near, far = person(30.0), person(30.01)
    assert (average_precision([frame([person()], [near])]).ap == 100).all()
    assert (average_precision([frame([person()], [far])]).ap == 0).all()
    assert count_joints([frame([person()], [near])] * 2)[0].motp == pytest.approx(50.0)  # half a head size off


def test_heads_are_each_persons_own():
    one = frame([person()], [person(20.0)])
    small = replace(one.ground_truth, data=dict(head_sizes_px=[30.0]))
    assert (average_precision([replace(one, ground_truth=small)]).ap == 0).all()


def test_joints_that_are_not_annotated():
    """Of an assigned prediction a joint that the truth has not is a negative; recall counts annotated joints alone."""
    frames = [frame([person(), person(5000, has=[0])], [person(), person(5000)], scores=[0.8, 0.9])]
    precision = average_precision(frames)
    assert precision.ap[0] == 100
    assert precision.ap[1:] == pytest.approx(np.full(J - 1, 50.0))  # wrong at .9, right at .8
    nowhere = average_precision([frame([person(has=[0])], [person(has=[0])])])
    assert nowhere.ap[0] == 100 and np.isnan(nowhere.ap[1:]).all()
    assert by_group(nowhere.ap)['total'] == 100 and np.isnan(by_group(nowhere.ap)['head'])


def test_joints_that_are_not_predicted_are_missed():
    precision = average_precision([frame([person()], [person(has=[0])])])
    assert precision.ap[0] == 100 and (precision.ap[1:] == 0).all() and (precision.recall[1:] == 0).all()
    assert mota([frame([person()], [person(has=[0])])] * 2).tolist() == [100] + [0] * 14


def test_poses_are_assigned_as_a_whole_but_tracked_by_joint():
    """The second prediction has one joint of the person and is not assigned: wrong for AP, although it lies right; for
    MOTA joints go their own ways, and it is the better one there."""
    far_joint = person()
    far_joint[0][3] += 1000.0
    one_joint = person(has=[3])
    frames = [frame([person()], [far_joint, one_joint], scores=[0.5, 0.9])] * 2
    assert assign_poses(frames[0]).tolist() == [0, -1]
    precision = average_precision(frames)
    assert precision.ap[3] == 0 and precision.ap[0] == 100
    assert count_joints(frames)[3].misses == 0 and count_joints(frames)[3].false_positives == 1


def test_assignment_is_exclusive_and_prefers_the_first():
    truth = [person(), person(5000)]
    assert assign_poses(frame(truth, [person(), person()])).tolist() == [0, -1]
    assert assign_poses(frame(truth, [person(5000), person(2e6), person()])).tolist() == [1, -1, 0]
    # a prediction between two equal people takes the first
    assert assign_poses(frame([person(), person()], [person()])).tolist() == [0]
    assert assign_poses(frame([], [person()])).tolist() == [-1] and assign_poses(frame([person()])).tolist() == []


def test_area_below_the_envelope():
    """Four people; right, wrong, right, right by score: recalls ¼ ¼ ½ ¾, precisions 1 ½ ⅔ ¾, envelope 1 ¾ ¾ ¾."""
    truth = [person(5000.0 * n) for n in range(4)]
    predicted = [truth[0], person(1e6), truth[1], truth[2]]
    ap = average_precision([frame(truth, predicted, scores=[0.9, 0.8, 0.7, 0.6])]).ap
    assert ap == pytest.approx(np.full(J, 100 * (0.25 * 1 + 0.25 * 0.75 + 0.25 * 0.75)))
    # over frames the scores are sorted together
    split = [
        frame(truth[:2], predicted[:2], scores=[0.9, 0.8]),
        frame(truth[2:], [truth[2], truth[3]], scores=[0.7, 0.6]),
    ]
    assert average_precision(split).ap == pytest.approx(ap)


def test_a_missing_score_is_the_last():
    frames = [frame([person()], [person(), person(50000)], scores=[0.1, np.nan])]
    assert (average_precision(frames).ap == 100).all()


def test_thresholds_of_tracking():
    faint = frame([person()], [person(), person(5000)], predicted_ids=[3, -1], scores=[0.9, 0.4])
    assert faint.tracked(0.0, 0.0).predictions.track_ids.tolist() == [3]  # no identity, no hypothesis
    assert (
        len(faint.tracked(0.95, 0.0).predictions.track_ids) == 0
        and len(faint.tracked(0.95, 0.0).ground_truth.track_ids) == 1
    )
    scores = np.where(np.arange(J) < 5, 0.2, 0.8) * np.ones((2, 1))
    unsure = replace(faint, predictions=replace(faint.predictions, keypoint_scores=scores))
    assert unsure.tracked(0.0, 0.5).present[0].tolist() == [False] * 5 + [True] * 10


def test_groups():
    values = np.arange(15.0)
    groups = by_group(values)
    assert groups == dict(head=13, shoulder=8.5, elbow=8.5, wrist=8.5, hip=2.5, knee=2.5, ankle=2.5, total=7)
    values[14] = np.nan
    assert by_group(values)['head'] == 12.5 and by_group(values)['total'] == 6.5
