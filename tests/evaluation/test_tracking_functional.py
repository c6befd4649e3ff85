"""Tracking counts, worked out by hand."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.evaluation.functional.tracking import (
    KeypointDistance,
    OKSDistance,
    RootDistance3D,
    TrackingCounts,
    TrackingFrame,
    count_tracking,
    inside_polygons,
    oks_distance,
)
from das_mm.structures.people import People

NAN = float('nan')


def frame(true, predicted, distances=None) -> TrackingFrame:
    """By default a pair of equal place in both lists lies together, all others apart."""
    if distances is None:
        distances = np.full((len(true), len(predicted)), NAN)
        np.fill_diagonal(distances, 0.0)
    return TrackingFrame(
        np.array(true, int), np.array(predicted, int), np.asarray(distances, float).reshape(len(true), len(predicted))
    )


def test_perfect():
    counts = count_tracking([frame([1, 2], [8, 9])] * 4)
    assert (counts.misses, counts.switches, counts.false_positives, counts.objects) == (0, 0, 0, 8)
    assert counts.mota == counts.motp == counts.idf1 == counts.precision == counts.recall == 100


def test_every_error_once():
    """Frame 2: person 2 is missed; 3: a stray; 4: both swap. Objects 2 · 4 = 8; errors 1 + 1 + 2."""
    frames = [frame([1, 2], [8, 9]), frame([1, 2], [8]), frame([1, 2], [8, 9, 7]), frame([1, 2], [9, 8])]
    counts = count_tracking(frames)
    assert (counts.misses, counts.switches, counts.false_positives, counts.objects) == (1, 2, 1, 8)
    assert counts.mota == 100 * (1 - 4 / 8) and counts.recall == 100 * 7 / 8 and counts.precision == 100 * 7 / 8
    # 8 suits person 1 in three frames, 9 suits person 2 in two; 8 predictions, 8 objects
    assert (counts.idtp, counts.idfp, counts.idfn) == (5, 3, 3) and counts.idf1 == 100 * 10 / 16


def test_an_earlier_pair_is_kept_while_it_may_be():
    near_other = [[0.4, 0.1]]  # 9 is nearer by now, but 8 may still be paired
    counts = count_tracking([frame([1], [8]), frame([1], [8, 9], near_other)])
    assert counts.switches == 0 and counts.false_positives == 1
    assert counts.distance == pytest.approx(0.4) and counts.motp == pytest.approx(100 * (1 - 0.4 / 2))
    assert count_tracking([frame([1], [8]), frame([1], [8, 9], [[NAN, 0.1]])]).switches == 1


def test_the_least_total_distance_is_assigned():
    counts = count_tracking([frame([1, 2], [8, 9], [[0.1, 0.2], [0.3, NAN]])])
    assert counts.misses == 0 and counts.distance == pytest.approx(0.5)


def test_a_switch_after_a_gap_counts_once():
    counts = count_tracking([frame([1], [8]), frame([1], []), frame([1], [9]), frame([1], [9])])
    assert (counts.switches, counts.misses) == (1, 1) and counts.mota == 100 * (1 - 2 / 4)


def test_nobody():
    assert count_tracking([]) == TrackingCounts()
    empty = count_tracking([frame([], [])] * 3)
    assert empty.objects == 0 and np.isnan([empty.mota, empty.idf1, empty.recall, empty.precision]).all()
    stray = count_tracking([frame([], [4])] * 3)
    assert stray.false_positives == 3 and stray.idfp == 3 and stray.idf1 == 0 and np.isnan(stray.mota)
    missed = count_tracking([frame([4], [])] * 3)
    assert missed.mota == 0 and missed.idfn == 3 and missed.recall == 0


def test_sequences_add_up():
    first, second = [frame([1], [8])] * 3, [frame([1], [8]), frame([1], [9])]
    total = count_tracking(first) + count_tracking(second)
    assert total.switches == 1 and total.objects == 5 and total.mota == 80
    assert total.idtp == 4 and total.idf1 == 80  # identities are per sequence


def test_many_frames_agree_with_counting_by_hand():
    """Against an independent count: without gates between them, every frame's pairs are the identities themselves."""
    rng = np.random.default_rng(0)
    frames, names, wrong = [], {person: 10 * person for person in range(5)}, dict(miss=0, fp=0, switch=0)
    for t in range(40):
        true = np.flatnonzero(rng.random(5) < 0.8)
        if rng.random() < 0.2 and t:
            names[int(rng.integers(5))] = 1000 + t  # from now on another name
        predicted = [names[person] for person in true if rng.random() < 0.9]
        distances = [[0.0 if names[person] == name else NAN for name in predicted] for person in true]
        frames.append((true, predicted, distances, dict(names)))
    last = {}
    for true, predicted, _, named in frames:
        for person in true:
            if named[person] not in predicted:
                wrong['miss'] += 1
            else:
                wrong['switch'] += last.get(person, named[person]) != named[person]
                last[person] = named[person]
    counts = count_tracking([frame(true, predicted, distances) for true, predicted, distances, _ in frames])
    assert (counts.misses, counts.switches, counts.false_positives) == (wrong['miss'], wrong['switch'], 0)
    assert wrong['switch'] >= 3


def test_bad_input(monkeypatch):
    with pytest.raises(UserError, match=r'frame 1 .* twice: \[8, 8\]'):
        count_tracking([frame([1], [8]), frame([1], [8, 8])])
    monkeypatch.setitem(sys.modules, 'motmetrics', None)
    with pytest.raises(UserError, match=r'pip install das_mm\[track\]'):
        count_tracking([frame([1], [8])])


def test_oks():
    """One keypoint off by d: exp(−d² / (2 · area · (2σ)²)); unlabelled ones do not count."""
    gt = np.array([[[10.0, 10.0], [20.0, 10.0], [NAN, NAN]]])
    labelled = np.array([[True, True, False]])
    pred = np.array([[[13.0, 10.0], [20.0, 10.0], [99.0, 99.0]]])
    distance = oks_distance(gt, labelled, np.array([400.0]), pred, np.array([0.05, 0.1, 0.1]))
    assert distance[0, 0] == pytest.approx(1 - (np.exp(-9 / (2 * 400 * 0.1**2)) + 1) / 2)
    assert np.isnan(oks_distance(gt, labelled & False, np.array([400.0]), pred, np.array([0.05, 0.1, 0.1]))).all()


def test_distances_and_their_gates():
    px = np.array([[[10.0, 10.0], [10.0, 30.0]]])
    mm = np.array([[[0.0, 0.0, 2000.0], [0.0, 400.0, 2000.0]]])
    seen = np.ones((1, 2), bool)
    truth = People(
        bboxes_px=[[0.0, 0.0, 20.0, 20.0]],
        keypoints_px=px,
        keypoints_valid=seen,
        keypoints_cam_mm=mm,
        keypoints_cam_valid=seen,
        data=dict(areas_px2=[400.0]),
    )
    near = People(
        keypoints_px=np.concatenate([px + [5, 0], px + [15, 0]]),
        keypoints_cam_mm=np.concatenate([mm + [0, 0, 300], mm + 600]),
    )
    sigmas = np.array([0.1, 0.1])
    assert KeypointDistance()(truth, near, 0, sigmas)[0] == pytest.approx([0.25, NAN], nan_ok=True)
    assert RootDistance3D()(truth, near, 0, sigmas)[0] == pytest.approx([0.6, NAN], nan_ok=True)
    assert RootDistance3D(gate_mm=2000.0)(truth, near, 0, sigmas)[0, 1] == pytest.approx(600 * 3**0.5 / 2000)
    oks = 1 - np.exp(-25 / (2 * 400 * 0.2**2))
    assert OKSDistance(gate=0.6)(truth, near, 0, sigmas)[0] == pytest.approx([oks, NAN], nan_ok=True)
    no_root = replace(truth, keypoints_cam_valid=np.array([[False, True]]))
    assert np.isnan(RootDistance3D()(no_root, near, 0, sigmas)).all()


def test_polygons():
    square = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
    for polygon in (square, square[::-1], np.roll(square, 1, axis=0)):
        points = np.array(
            [
                [2.0, 2.0],
                [-1.0, 2.0],
                [5.0, 2.0],
                [2.0, -1.0],
                [2.0, 5.0],
                [0.0, 0.0],
                [0.0, 2.0],
                [2.0, 4.0],
                [4.0, 4.0],
            ]
        )
        assert inside_polygons(points, [polygon]).tolist() == [True] + [False] * 8
    # a corner at the height of the point, and a notch
    notched = np.array([[0.0, 0.0], [6.0, 0.0], [6.0, 6.0], [3.0, 2.0], [0.0, 6.0]])
    assert inside_polygons(np.array([[1.0, 2.0], [3.0, 3.0], [5.0, 2.0], [3.0, 1.0]]), [notched]).tolist() == [
        1,
        0,
        1,
        1,
    ]
    assert inside_polygons(np.array([[1.0, 1.0], [11.0, 1.0], [7.0, 1.0]]), [square, square + [10, 0]]).tolist() == [
        1,
        1,
        0,
    ]
    assert inside_polygons(np.zeros((2, 3, 2)), []).shape == (2, 3)


def test_polygons_agree_with_another_library():
    import cv2

    rng = np.random.default_rng(1)
    points = rng.uniform(-5, 25, (200, 2))
    for corners in (3, 5, 8):
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        polygon = 10 + rng.uniform(4, 14, (corners, 1)) * np.column_stack([np.cos(angles), np.sin(angles)])
        outline = polygon.astype(np.float32)
        wanted = [cv2.pointPolygonTest(outline, tuple(map(float, point)), False) > 0 for point in points]
        assert inside_polygons(points, [polygon]).tolist() == wanted
