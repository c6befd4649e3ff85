"""PoseTrackMetric: the cases of the protocol through data samples; the arithmetic is in test_posetrack_functional."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.evaluation.metrics.posetrack_metric import PoseTrackMetric

from .tracking_scenes import META, box, evaluate, places, sample

A, FAR = places(100), places(1500)
AB = places(100, 600)


def run(samples, **options):
    return {
        name.removeprefix('posetrack/'): value for name, value in evaluate(PoseTrackMetric(**options), samples).items()
    }


def test_truth_as_prediction():
    table = run([sample(AB, AB[::-1], frame=t, seq=seq) for seq in 'xy' for t in range(3)])
    for name in ('ap', 'mota'):
        groups = {key: value for key, value in table.items() if key.startswith(name + '/')}
        assert set(groups.values()) == {100.0} and len(groups) == 8
    assert table['idf1/total'] == table['motp/total'] == table['precision/total'] == table['recall/total'] == 100
    # 2 videos, 2 people, 15 joints, and the last of three frames does not count
    assert table['num_objects'] == 2 * 2 * 15 * 2 and table['num_frames'] == 6 and table['num_videos'] == 2


def test_cases_of_the_protocol():
    def switch(ids):
        return [sample(A, A, frame=t, predicted_ids=[identity]) for t, identity in enumerate(ids)]

    table = run(switch([1, 2, 2]))
    assert table['mota/total'] == 50 and table['ap/total'] == 100 and table['num_switches'] == 15
    assert run(switch([1, 1, 2]))['mota/total'] == 100
    stray = np.concatenate([A, FAR])
    assert run([sample(A, stray, scores=[0.5, 0.9])])['ap/total'] == 50
    samples = [sample(A, stray, scores=[0.5, 0.9], frame=t, ignore_regions=[box(1400, 0, 1900, 700)]) for t in range(3)]
    table = run(samples)
    assert table['ap/total'] == table['mota/total'] == 100


def test_the_joints_are_those_of_the_protocol():
    """One joint is off; the ears, which nobody labels, are anywhere."""
    moved = A.copy()
    moved[0, 16] += 400.0  # the right ankle
    moved[0, [3, 4]] = 1e4
    table = run([sample(A, moved, frame=t) for t in range(2)])
    assert table['ap/ankle'] == 50 and table['mota/ankle'] == 0  # one ankle perfect, the other wrong and missed (−100)
    assert table['ap/total'] == pytest.approx(100 * 14 / 15)
    assert all(table[f'ap/{name}'] == 100 for name in ('head', 'shoulder', 'elbow', 'wrist', 'hip', 'knee'))


def test_frames_without_people_are_taken_out_before_regions():
    """Unlabelled frames vanish, whatever is predicted there; one emptied by a region stays, and its strays count."""
    stray = sample(predicted=FAR, frame=1)
    table = run([sample(A, A, frame=0), stray, sample(A, A, frame=2), sample(A, A, frame=3)])
    assert table['ap/total'] == table['mota/total'] == 100 and table['num_frames'] == 3
    emptied = sample(A, FAR, frame=1, ignore_regions=[box(0, 0, 700, 700)])
    table = run([sample(A, A, frame=0), emptied, sample(A, A, frame=2), sample(A, A, frame=3)])
    # frame 1 costs one miss and one false positive, of 3 objects
    assert table['mota/total'] == pytest.approx(100 / 3) and table['num_frames'] == 4


def test_a_frame_without_predictions():
    """Two people there: one miss and one false positive a joint."""
    samples = [sample(AB, AB, frame=0), sample(AB, frame=1), sample(AB, AB, frame=2), sample(AB, AB, frame=3)]
    table = run(samples)
    assert table['num_misses'] == table['num_false_positives'] == 15 and table['num_objects'] == 15 * (2 + 1 + 2)
    assert table['mota/total'] == pytest.approx(100 * (1 - 2 / 5))


def test_somebody_without_labelled_joints():
    """Annotated as a box: the frame counts as annotated, the person as nothing."""
    samples = [sample(AB, A, frame=t) for t in range(3)]
    for one in samples:
        one['gt_instances']['keypoints_flags'][1] = 0
        one['gt_instances']['head_bboxes'][1] = np.nan
    table = run(samples)
    assert table['ap/total'] == table['mota/total'] == 100


def test_thresholds():
    stray = np.concatenate([A, FAR])
    samples = [sample(A, stray, scores=[0.9, 0.4], frame=t) for t in range(3)]
    table = run(samples, more_score_thrs=(0.5, 0.95))
    assert table['mota/total'] == 0 and table['mota@0.50/total'] == 100 and table['num_false_positives@0.50'] == 0
    assert table['mota@0.95/total'] == -100  # nobody left: a miss and a false positive in every frame
    assert table['ap/total'] == 100  # of all
    assert run(samples, score_thr=0.5)['mota/total'] == 100
    unborn = [sample(A, stray, predicted_ids=[0, -1], frame=t) for t in range(3)]
    assert run(unborn)['mota/total'] == 100
    unsure = [sample(A, stray, frame=t) for t in range(3)]
    for one in unsure:
        one['pred_instances']['keypoint_scores'][1] = 0.1
    assert run(unsure, joint_score_thr=0.2)['mota/total'] == 100


def test_order_of_arrival_does_not_matter():
    samples = [sample(A, A, frame=t, predicted_ids=[int(t > 2)]) for t in range(5)]
    wanted = run(samples)
    assert run(samples[::-1]) == pytest.approx(wanted) and wanted['num_switches'] == 15
    metric = PoseTrackMetric()
    metric.dataset_meta = META
    metric.process(None, samples[3:] + samples[:3])
    assert metric.compute_metrics(pickle.loads(pickle.dumps(metric.results))) == pytest.approx(
        {name.removeprefix('posetrack/'): value for name, value in wanted.items()}
    )


def test_missing_joints_of_predictions():
    gone = A.copy()
    gone[0, 0], gone[0, 1] = 0, np.nan  # nose, neck
    table = run([sample(A, gone, frame=t) for t in range(2)])
    assert table['ap/head'] == pytest.approx(100 / 3) and table['num_misses'] == 2 and table['num_false_positives'] == 0


def test_bad_input():
    with pytest.raises(UserError, match='(?s)frame 0 of one .* without a box of the head.*TrackingMetric'):
        run([sample(A, A, heads=False)])
    one = sample(AB, A)
    one['gt_instances']['head_bboxes'][1] = np.nan
    with pytest.raises(UserError, match='box of the head'):
        run([one])
    one = sample(A, A)
    del one['pred_instances']['track_ids']
    with pytest.raises(UserError, match='track_ids'):
        run([one])
    with pytest.raises(UserError, match='twice'):
        run([sample(AB, AB, frame=t, predicted_ids=[1, 1]) for t in range(2)])


def test_videos_of_one_frame_have_no_mota():
    table = run([sample(A, A)])
    assert table['ap/total'] == 100 and np.isnan(table['mota/total'])


def test_files_for_the_server(tmp_path):
    """One json a video in PoseTrack18's own layout; missing joints are zeros, and everybody has an identity."""
    gone = AB.copy()
    gone[0, 0] = np.nan
    path = '/data/posetrack18/images/val/{}/00000{}.jpg'
    samples = [
        sample(AB, gone, frame=t, seq=seq, predicted_ids=[5, -1], scores=[0.9, 0.4], img_path=path.format(seq, t))
        for seq in ('000342_mpii', '000522_mpii')
        for t in range(3)
    ]
    for number, one in enumerate(samples):
        one['img_id'] = np.int64(10003420000 + number)
    wanted = run(samples)
    assert run(samples, result_dir=str(tmp_path / 'new')) == wanted
    assert sorted(file.name for file in tmp_path.glob('new/*')) == ['000342_mpii.json', '000522_mpii.json']
    written = json.loads((tmp_path / 'new' / '000522_mpii.json').read_text())
    assert [image['file_name'] for image in written['images']] == [
        f'images/val/000522_mpii/00000{t}.jpg' for t in range(3)
    ]
    assert [image['id'] for image in written['images']] == [10003420003, 10003420004, 10003420005]
    names = written['categories'][0]['keypoints']
    assert names[:4] == ['nose', 'head_bottom', 'head_top', 'left_ear'] and len(names) == 17
    people = written['annotations']
    assert [person['track_id'] for person in people] == [5, 6, 5, 7, 5, 8]
    first, second = (np.array(person['keypoints']).reshape(17, 3) for person in people[:2])
    assert (first[0] == 0).all() and people[0]['scores'][0] == 0 and (first[1:, 2] == 1).all()
    assert np.allclose(second[:, :2], AB[1]) and people[1]['scores'] == [0.4] * 17
    with pytest.raises(UserError, match='result_dir'):
        PoseTrackMetric(result_dir=str(tmp_path / 'new' / '000522_mpii.json'))
