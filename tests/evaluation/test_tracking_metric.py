"""TrackingMetric on hand-made sequences: order of frames, ignored people and regions, distances, files."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.evaluation.metrics.tracking_metric import TrackingMetric
from das_mm.registry import METRICS

from .tracking_scenes import META, K, box, evaluate, places, sample

A, B, FAR = places(100), places(600), places(1500)
AB = places(100, 600)


def run(samples, **options):
    table = evaluate(TrackingMetric(**options), samples)
    return {name.removeprefix('tracking/'): value for name, value in table.items()}


@pytest.mark.parametrize('distance', ['oks', 'keypoints_px', 'root_mm'])
def test_perfect(distance):
    table = run([sample(AB, AB[::-1], frame=t, predicted_ids=[5, 4]) for t in range(3)], distance=distance)
    assert table['mota'] == table['idf1'] == table['recall'] == table['precision'] == 100
    assert table['num_objects'] == 6 and table['num_frames'] == 3 and table['num_sequences'] == 1


@pytest.mark.parametrize('distance', ['oks', 'keypoints_px', 'root_mm'])
def test_one_error_of_each_kind(distance):
    """8 people in frames; a miss (1), a stray (2), both swap names (3): 1 − 4 / 8."""
    samples = [
        sample(AB, AB),
        sample(AB, A, frame=1),
        sample(AB, places(100, 600, 1500), frame=2),
        sample(AB, AB, frame=3, predicted_ids=[1, 0]),
    ]
    table = run(samples, distance=distance)
    assert (table['num_misses'], table['num_false_positives'], table['num_switches']) == (1, 1, 2)
    assert table['mota'] == 50 and table['recall'] == 87.5 and table['idf1'] == 100 * 10 / 16


def test_frames_are_brought_in_order_and_sequences_are_apart():
    """Names switch once, in the middle of sequence 'one': in any other order there would be more."""
    samples = [sample(A, A, frame=t, predicted_ids=[int(t >= 3)]) for t in range(6)]
    samples += [sample(A, A, frame=t, seq='two', predicted_ids=[7]) for t in range(4)]
    rng = np.random.default_rng(0)
    for _ in range(3):
        table = run([samples[i] for i in rng.permutation(10)])
        assert table['num_switches'] == 1 and table['mota'] == 90 and table['num_sequences'] == 2
        assert table['idf1'] == pytest.approx(100 * 2 * (3 + 4) / 20)


def test_views_are_sequences_of_their_own():
    table = run([sample(A, A, view='left', predicted_ids=[0]), sample(A, A, view='right', predicted_ids=[1])])
    assert table['num_sequences'] == 2 and table['num_switches'] == 0


def test_ignored_people():
    """A crowd, somebody invalid, and somebody of unknown identity: neither missed, nor is it wrong to find them."""
    for field, value in (('iscrowd', [False, True]), ('is_valid', [True, False]), ('track_ids', [0, -1])):
        samples = [sample(AB, found, frame=t) for t, found in enumerate((AB, A, AB))]
        for one in samples:
            one['gt_instances'][field] = np.array(value)
        table = run(samples)
        assert table['mota'] == 100 and table['num_objects'] == 3 and table['num_ignored'] == 2, field


def test_ignored_regions():
    region = box(1490, 90, 1700, 400)
    two = np.concatenate([A, FAR])
    assert run([sample(A, two, ignore_regions=[region])])['num_false_positives'] == 0
    assert run([sample(A, two, ignore_regions=[box(1490, 90, 1500, 400)])])['num_false_positives'] == 1  # not half
    # who is in a region but found is found
    table = run([sample(two, two, ignore_regions=[region])])
    assert table['mota'] == 100 and table['num_ignored'] == 0


def test_predictions_without_identity_do_not_count():
    table = run([sample(AB, AB, predicted_ids=[3, -1])])
    assert table['num_misses'] == 1 and table['num_false_positives'] == 0


def test_score_threshold():
    samples = [sample(A, np.concatenate([A, FAR]), scores=[0.9, 0.2])]
    assert run(samples)['num_false_positives'] == 1
    assert run(samples, score_thr=0.3)['num_false_positives'] == 0


def test_depth_counts_in_3d_alone():
    """Found in the image, but a metre too near."""
    samples = [sample(A, A, depths=[3000.0], predicted_depths=[2000.0])]
    assert run(samples, distance='oks')['mota'] == 100
    table = run(samples, distance='root_mm')
    assert table['num_misses'] == table['num_false_positives'] == 1
    assert run(samples, distance=dict(type='root_mm', gate_mm=3000.0))['mota'] == 100


def test_predictions_that_are_no_numbers_are_wrong():
    broken = np.concatenate([A, FAR])
    broken[1, 0] = np.nan
    table = run([sample(A, broken)])
    assert table['num_false_positives'] == 1 and table['num_misses'] == 0


def test_predictions_in_the_image_alone():
    samples = [sample(A, A)]
    del samples[0]['pred_instances']['keypoints_3d']
    assert run(samples)['mota'] == 100
    with pytest.raises(UserError, match='keypoints_3d'):
        run(samples, distance='root_mm')


def test_nobody():
    table = run([sample(frame=0), sample(frame=1)])
    assert np.isnan(table['mota']) and table['num_objects'] == 0 and table['num_frames'] == 2
    assert run([sample(A)])['mota'] == 0


@pytest.mark.parametrize('ending', ['csv', 'json'])
def test_sequence_file(tmp_path, ending):
    file = tmp_path / f'rows.{ending}'
    samples = [sample(A, A, frame=t, seq=seq) for seq in ('b', 'a') for t in range(2)] + [sample(A, seq='c')]
    run(samples, sequence_file=str(file))
    if ending == 'json':
        rows = json.loads(file.read_text())
        assert [(row['sequence'], row['mota'], row['num_frames']) for row in rows] == [
            ('a', 100, 2),
            ('b', 100, 2),
            ('c', 0, 1),
        ]
    else:
        assert file.read_text().splitlines()[1].startswith('a,100.0,100.0')


def test_results_travel_between_processes():
    metric = TrackingMetric()
    metric.dataset_meta = META
    metric.process(None, [sample(AB, AB)])
    again = pickle.loads(pickle.dumps(metric.results))
    assert metric.compute_metrics(again)['mota'] == 100


def test_bad_input(tmp_path):
    assert isinstance(METRICS.build(dict(type='TrackingMetric')), TrackingMetric)
    with pytest.raises(UserError, match='distance'):
        TrackingMetric(distance='iou')
    with pytest.raises(UserError, match='sequence_file'):
        TrackingMetric(sequence_file=str(tmp_path / 'rows.txt'))
    for field in ('seq', 'frame'):
        one = sample(A, A)
        one[field] = None
        with pytest.raises(UserError, match='which frame of which sequence'):
            run([one])
    for side, match in (('gt_instances', 'gt_instances .* no track_ids'), ('pred_instances', '(?s)pred.*a tracker')):
        one = sample(A, A)
        del one[side]['track_ids']
        with pytest.raises(UserError, match=match):
            run([one])
    with pytest.raises(UserError, match='frame 0 of one is there twice'):
        run([sample(A, A), sample(A, A)])
    with pytest.raises(UserError, match='predicted_ids: .* twice'):
        run([sample(AB, AB, predicted_ids=[1, 1])])
    metric = TrackingMetric()
    metric.dataset_meta = {**META, 'sigmas': None}
    with pytest.raises(UserError, match='sigmas'):
        metric.process(None, [sample(A, A)])
    assert K == 17
