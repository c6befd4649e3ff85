"""The metric as mmengine calls it, on two people worked out by hand (tests/evaluation/scenes.py)."""

import csv
import json
import logging

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.errors import UserError
from das_mm.evaluation import MultiPerson3DMetric, mean_pose_baseline, read_result_file
from das_mm.registry import METRICS

from .scenes import AB, META, A, B, make_sample, project

# a body where nobody is: its root at (80, 240) px
GHOST = np.array([[-600.0, 0, 2500], [-600, -400, 2500], [-400, 0, 2500]])


def score(*samples, **options):
    metric = MultiPerson3DMetric(**options)
    metric.dataset_meta = META
    for sample in samples:
        metric.process(None, [sample])
    return {name.removeprefix('pose3d/'): value for name, value in metric.evaluate(len(samples)).items()}


def test_perfect():
    table = score(make_sample())
    for name in ('mpjpe_mm', 'mpjpe_no_root_mm', 'mpjpe_all_mm', 'mpjpe_abs_mm', 'pa_mpjpe_mm', 'mrpe_mm', 'mrpe_z_mm'):
        assert table[name] == pytest.approx(0, abs=1e-9), name
    for name in (
        'pck_rel',
        'pck_rel_matched',
        'pck_abs',
        'pck_abs_matched',
        'pck_root',
        'pck_root_matched',
        'recall',
        'precision',
    ):
        assert table[name] == 100, name
    assert table['auc_rel'] == table['auc_rel_matched'] == pytest.approx(100 * 30 / 31)
    assert (table['num_gt'], table['num_pred'], table['num_matched'], table['num_gt_3d']) == (2, 2, 2, 2)
    assert all(type(value) is float for value in table.values())


def test_everything_shifted_by_t():
    # t = (30, 0, -40): |t| = 50 absolute, nothing relative
    table = score(make_sample(pred=AB + [30.0, 0, -40]))
    assert table['mpjpe_abs_mm'] == pytest.approx(50)
    assert table['mpjpe_mm'] == pytest.approx(0, abs=1e-9)
    assert [table[f'mrpe_{axis}mm'] for axis in ('', 'x_', 'y_', 'z_')] == pytest.approx([50, 30, 0, 40])
    assert table['pck_abs'] == 100
    # 200 mm deeper: every keypoint and root is off by more than 150 mm, the relative pose is right
    table = score(make_sample(pred=AB + [0.0, 0, 200]))
    assert (table['pck_abs'], table['pck_root'], table['pck_rel'], table['recall']) == (0, 0, 100, 100)


def test_people_at_a_wrong_depth_are_still_found():
    sample = make_sample(pred=AB * 1.5)  # the same pixels half as far again
    table = score(sample)
    assert (table['recall'], table['precision'], table['pck_root']) == (100, 100, 0)
    assert score(sample, matching='one_to_one_3d')['recall'] == 0
    assert score(sample, matching=dict(type='one_to_one_3d', gate_mm=4000.0))['recall'] == 100


def test_bodies_too_big_by_a_tenth():
    root = AB[:, :1]
    table = score(make_sample(pred=root + 1.1 * (AB - root)))
    # A: (0 + 40 + 20) / 3 = 20, B: (0 + 40 + 30) / 3 = 23.33; without the root 30 and 35
    assert table['mpjpe_mm'] == pytest.approx((20 + 70 / 3) / 2)
    assert table['mpjpe_no_root_mm'] == pytest.approx(32.5)
    assert table['pa_mpjpe_mm'] == pytest.approx(0, abs=1e-9)
    # AUC without the roots: 40 -> 45…150: 22 of 31 (twice), 20 -> 25…150: 26, 30 -> 35…150: 24
    assert table['auc_rel'] == pytest.approx(100 * (22 + 26 + 22 + 24) / (4 * 31))


def test_two_people_in_the_other_order():
    assert score(make_sample(pred=AB[::-1])) == score(make_sample())


def test_one_person_missed():
    table = score(make_sample(pred=A))
    assert (table['recall'], table['precision'], table['num_matched']) == (50, 100, 1)
    assert (table['mpjpe_mm'], table['pck_rel_matched'], table['pck_abs_matched'], table['pck_root_matched']) == (
        0,
        100,
        100,
        100,
    )
    # over all true people: B's two keypoints and its root are wrong
    assert (table['pck_rel'], table['pck_abs'], table['pck_root']) == (50, 50, 50)
    assert table['auc_rel'] == pytest.approx(50 * 30 / 31)
    # B stands in the mean pose: hand at (200 + 300) / 2 = 250, 50 off, so (0 + 0 + 50) / 3; A is right: mean 8.33
    assert table['mpjpe_all_mm'] == pytest.approx(50 / 3 / 2)


def test_a_ghost_costs_precision_only():
    table, clean = score(make_sample(pred=[A, GHOST, B])), score(make_sample())
    assert table['precision'] == pytest.approx(200 / 3) and table['num_pred'] == 3
    assert {name for name in table if table[name] != clean[name]} == {'precision', 'num_pred'}


def test_duplicates_are_false():
    assert score(make_sample(pred=[A, A + 1, B]))['precision'] == pytest.approx(200 / 3)


def test_low_scores_are_dropped_before_anything_else():
    sample = make_sample(pred=[A, GHOST, B], scores=[0.9, 0.2, 0.3])
    assert score(sample, score_thr=0.25)['precision'] == 100
    table = score(sample, score_thr=0.5)
    assert (table['recall'], table['precision']) == (50, 100)
    assert score(sample, score_thr=0.3)['recall'] == 100  # a score equal to the threshold stays


def test_threshold_of_pck_is_strict_but_for_roots():
    # A's head 150 mm off, its hand just below, B's root with all of B exactly 150 mm off
    pred = AB.copy()
    pred[0, 1, 1] -= 150
    pred[0, 2, 1] += 149.999
    pred[1, :, 0] += 150
    table = score(make_sample(pred=pred))
    assert table['pck_rel'] == 75  # A's head is wrong; A's hand, B's head and hand are right
    assert table['pck_abs'] == 25  # B's are 150 off: wrong
    assert table['pck_root'] == 100  # inclusive
    assert score(make_sample(pred=pred), pck_threshold_mm=149.0)['pck_rel'] == 50


def test_nearest_is_the_released_protocol():
    # B is missed, so A's prediction serves it too: hand 200 instead of 300, error (0 + 0 + 100) / 3; A: 0
    table = score(make_sample(pred=[A, GHOST]), matching='nearest')
    assert table['mpjpe_mm'] == pytest.approx(100 / 3 / 2)
    assert (table['recall'], table['num_matched']) == (100, 2)
    assert table['precision'] == 50  # of two predictions one serves, though it serves twice
    # fifty false people cost nothing but precision, as long as none has a likelier pose
    many = score(make_sample(pred=[A] + [GHOST + 7 * i for i in range(50)]), matching='nearest')
    assert many['mpjpe_mm'] == pytest.approx(100 / 3 / 2)


@pytest.mark.parametrize(
    'ignored',
    [
        dict(is_valid=np.array([True, False])),
        dict(iscrowd=np.array([0, 1])),
        dict(keypoints_flags=np.array([[2, 2, 2], [0, 2, 2]])),  # root not labelled
    ],
)
def test_ignored_people_are_neither_truth_nor_false(ignored):
    table = score(make_sample(pred=[A, B, GHOST], **ignored))
    assert (table['num_gt'], table['num_pred'], table['num_pred_on_ignored']) == (1, 2, 1)
    assert (table['recall'], table['precision']) == (100, 50)
    missed = score(make_sample(pred=A, **ignored))
    assert (missed['recall'], missed['precision'], missed['num_gt_3d']) == (100, 100, 1)


def test_a_root_out_of_the_image_is_ignored():
    # x = 640 * 4 = 2560 mm to the right of the axis at 4 m is pixel 320 + 640 = 960: outside
    outside = B + [1760.0, 0, 0]
    table = score(make_sample(gt=[A, outside], pred=[A]))
    assert (table['num_gt'], table['recall']) == (1, 100)
    # the border lies half a pixel beyond the last pixel centre: 639.49 is in, 639.5 is out
    for x, num_gt in ((639.49, 1.0), (639.5, 0.0), (-0.5, 1.0), (-0.51, 0.0)):
        px = project(A[None])
        px[0, 0, 0] = x
        assert score(make_sample(gt=A, pred=A, keypoints=px))['num_gt'] == num_gt, x


def test_visibility_rules():
    # A's head is outside the image, its hand is occluded; only the prediction of B is right
    gt_px = project(AB)
    gt_px[0, 1] = [320, -20]
    flags = np.array([[2, 1, 1], [2, 2, 2]])
    pred = AB.copy()
    pred[0, 1:, 0] += 1000
    sample = make_sample(pred=pred, pred_px=project(AB), keypoints=gt_px, keypoints_flags=flags)
    # valid: 4 keypoints beside the roots, 2 wrong; in the image: 3, 1 wrong; visible: only B's 2 and A has no pose left
    assert score(sample, visibility='valid')['pck_rel'] == 50
    assert score(sample)['pck_rel'] == pytest.approx(200 / 3)
    table = score(sample, visibility='visible')
    assert (table['pck_rel'], table['num_gt_3d'], table['num_gt']) == (100, 1, 2)


def test_2d_only_images_count_for_detection_only():
    samples = [make_sample(img_id=1), make_sample(pred=A + [0, 0, 900], img_id=2, has_3d=False)]
    table = score(*samples)
    assert (table['num_gt'], table['num_gt_3d'], table['recall'], table['num_images_2d_only']) == (4, 2, 75, 1)
    assert table['mpjpe_abs_mm'] == pytest.approx(0, abs=1e-9)
    assert score(*samples, matching='nearest')['num_gt'] == 2
    # depth is allowed to be unknown there
    no_depth = make_sample(pred=np.full((1, 3, 3), np.nan), pred_px=project(A[None]), has_3d=False)
    assert score(no_depth)['recall'] == 50


def test_samples_of_mmposes_own_datasets_are_2d():
    sample = make_sample()
    for name in ('keypoints_3d', 'keypoints_3d_valid', 'keypoints_flags', 'iscrowd', 'is_valid', 'ann_ids'):
        del sample['gt_instances'][name]
    del sample['has_3d']
    sample['gt_instances']['keypoints_visible'] = np.array([[1, 1, 0], [0, 1, 1]])  # the second has no root: ignored
    table = score(sample)
    assert (table['num_gt'], table['recall'], table['num_pred_on_ignored'], table['num_images_2d_only']) == (
        1,
        100,
        1,
        1,
    )


def test_people_without_3d_in_a_3d_image():
    valid = np.array([[1, 1, 1], [0, 0, 0]])
    table = score(make_sample(pred=[A], keypoints_3d_valid=valid))
    assert (table['recall'], table['num_gt_3d'], table['pck_rel']) == (50, 1, 100)
    table = score(make_sample(pred=[A, B], keypoints_3d_valid=valid), matching='one_to_one_3d')
    assert (table['num_gt'], table['recall'], table['precision'], table['num_pred_on_ignored']) == (1, 100, 100, 1)


def test_nothing_predicted_and_nobody_there():
    table = score(make_sample(pred=[]))
    assert (table['recall'], table['pck_rel'], table['pck_abs'], table['pck_root'], table['auc_rel']) == (0, 0, 0, 0, 0)
    assert np.isnan(
        [table['precision'], table['mpjpe_mm'], table['pa_mpjpe_mm'], table['mrpe_mm'], table['pck_rel_matched']]
    ).all()
    # everybody in the mean pose: hands 50 off each
    assert table['mpjpe_all_mm'] == pytest.approx(50 / 3)
    table = score(make_sample(gt=[], pred=[A]))
    assert np.isnan([table['recall'], table['mpjpe_mm'], table['pck_rel']]).all() and table['precision'] == 0
    table = score(make_sample(gt=[], pred=[]))
    assert np.isnan([table['recall'], table['precision']]).all() and table['num_images'] == 1


def test_predictions_that_are_not_finite_are_not_found(monkeypatch):
    warnings = []
    monkeypatch.setattr(
        'das_mm.evaluation.metrics.multi_person_3d_metric.print_log',
        lambda text, level=logging.INFO, **_: warnings.append(text) if level > logging.INFO else None,
    )
    pred = AB.copy()
    pred[1, 2, 0] = np.nan
    table = score(make_sample(pred=pred, pred_px=project(AB)), make_sample(pred=pred * np.nan, img_id=2))
    # found: A of the first image, of four people; predicted: four
    assert (table['recall'], table['precision'], table['num_pred_not_finite']) == (25, 25, 3)
    assert table['mpjpe_mm'] == pytest.approx(0, abs=1e-9)
    assert len(warnings) == 1 and warnings[0].startswith('3 predictions')


def test_people_are_pooled_over_images():
    # image 1: A perfect; image 2: A 30 off at the hand; image 3: empty. Means over the two people, not over images
    off = A + np.array([[0], [0], [1]]) * [0.0, 0, 30]
    samples = [
        make_sample(gt=A, pred=A, img_id=1),
        make_sample(gt=A, pred=off, img_id=2),
        make_sample(gt=[], pred=[], img_id=3),
    ]
    table = score(*samples)
    assert table['mpjpe_mm'] == pytest.approx((0 + 10) / 2)
    assert table['num_images'] == 3


def test_samples_and_tensors_through_the_evaluator():
    def tensors(fields):
        return InstanceData(**{name: torch.as_tensor(value) for name, value in fields.items()})

    plain = make_sample(pred=AB + [30.0, 0, -40])
    sample = PoseDataSample(metainfo={key: plain[key] for key in ('img_id', 'ori_shape', 'has_3d', 'camera')})
    sample.gt_instances = tensors(plain['gt_instances'])
    sample.pred_instances = tensors(plain['pred_instances'])
    evaluator = Evaluator([METRICS.build(dict(type='MultiPerson3DMetric', prefix='x'))])
    evaluator.dataset_meta = META
    evaluator.process([sample])
    table = evaluator.evaluate(1)
    assert table == pytest.approx({f'x/{name}': value for name, value in score(plain).items()})
    # a metric called without the evaluator gets the sample itself
    assert score(sample) == pytest.approx(score(plain))


def test_bf16_predictions():
    sample = make_sample()
    sample['pred_instances']['scores'] = torch.tensor([0.5, 0.5], dtype=torch.bfloat16)
    assert score(sample)['recall'] == 100


def test_derived_root():
    # the root is the mean of two hips, here head and hand; all three keypoints enter PCK
    meta = dict(META, keypoint_id2name={0: 'nose', 1: 'left_hip', 2: 'right_hip'})
    metric = MultiPerson3DMetric()
    metric.dataset_meta = meta
    pred = AB.copy()
    pred[:, 1] += [0.0, 40, 0]
    metric.process(None, [make_sample(pred=pred)])
    table = metric.evaluate(1)
    # the root moves by 20: nose 20, left hip 40 - 20 = 20, right hip 20
    assert table['pose3d/mpjpe_mm'] == table['pose3d/mpjpe_no_root_mm'] == pytest.approx(20)
    assert table['pose3d/mrpe_mm'] == pytest.approx(20)


def test_other_roots():
    pred = AB.copy()
    pred[:, 1] += [0.0, 30, 0]
    for root in (1, 'head', [1]):
        # head is the root and 30 off: relative to it the other two are 30 off
        assert score(make_sample(pred=pred), root=root)['mpjpe_mm'] == pytest.approx(20), root


def test_files(tmp_path):
    metric = MultiPerson3DMetric(result_file=tmp_path / 'r.json', person_file=tmp_path / 'p.csv')
    metric.dataset_meta = META
    metric.process(None, [make_sample(pred=[A], img_id=4), make_sample(gt=[], pred=[], img_id=5)])
    metric.evaluate(2)
    first, second = read_result_file(tmp_path / 'r.json')
    assert (first['image_id'], second) == (4, dict(image_id=5, persons=[]))
    person = first['persons'][0]
    assert person['keypoints_3d'] == A.tolist() and person['root_depth'] == 2000 and person['score'] == 0.8
    # pixels (320,240) (320,40) (420,240): box x y w h
    assert person['bbox'] == [320, 40, 100, 200] and person['keypoints'][2] == [420, 240, 0.9]
    with open(tmp_path / 'p.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(row['image_id'], row['ann_id'], row['matched'], row['mpjpe_mm']) for row in rows] == [
        ('4', '40', '1', '0.0'),
        ('4', '41', '0', ''),
    ]
    assert [row['pck_rel'] for row in rows] == ['100.0', '0.0']


def test_person_file_as_json(tmp_path):
    score(make_sample(pred=[A]), person_file=tmp_path / 'p.json')
    found, missed = json.loads((tmp_path / 'p.json').read_text())
    assert (found['pred_index'], found['score'], missed['pred_index'], missed['score']) == (0, 0.8, -1, None)


@pytest.mark.parametrize(
    'options, told',
    [
        (dict(matching='greedy'), 'one_to_one'),
        (dict(alignments=['affine']), 'procrustes'),
        (dict(visibility='some'), 'valid_in_image'),
        (dict(result_file='r.pkl'), 'json'),
        (dict(person_file='p.txt'), 'csv'),
    ],
)
def test_bad_options_are_told_with_the_choices(options, told):
    with pytest.raises(UserError, match=told):
        MultiPerson3DMetric(**options)


def test_bad_samples_are_told():
    with pytest.raises(UserError, match='keypoint set'):
        sample = make_sample()
        sample['pred_instances'].update(keypoints=np.zeros((2, 15, 2)), keypoints_3d=np.zeros((2, 15, 3)))
        score(sample)
    with pytest.raises(UserError, match='image 1 has no keypoints_3d'):
        sample = make_sample()
        del sample['pred_instances']['keypoints_3d']
        score(sample)
    with pytest.raises(UserError, match='ori_shape'):
        score({key: value for key, value in make_sample().items() if key != 'ori_shape'})
    with pytest.raises(UserError, match='no predictions'):
        score({key: value for key, value in make_sample().items() if key != 'pred_instances'})
    with pytest.raises(UserError, match='root'):
        score(make_sample(), root='tail')


def test_mean_pose_baseline_by_hand():
    # Trained on A and B: head (0, -400, 0), hand (250, 0, 0), d = (2000 + 4000) / 2 / 1000 = 3 mm per px: z = 3000
    metric = MultiPerson3DMetric()
    metric.dataset_meta = META
    table = mean_pose_baseline([make_sample()], [make_sample(), make_sample(img_id=2)], metric)
    # hands are 50 off: (0 + 0 + 50) / 3
    assert table['pose3d/mpjpe_mm'] == pytest.approx(50 / 3)
    assert table['pose3d/recall'] == table['pose3d/precision'] == 100
    # A's root on the axis: 1000 off in z. B's root (0.2 · 3000, 0, 3000): 200 off in x, 1000 in z
    assert table['pose3d/mrpe_z_mm'] == pytest.approx(1000)
    assert table['pose3d/mrpe_x_mm'] == pytest.approx((0 + 200) / 2)
    assert table['pose3d/pck_abs'] == 0


def test_mean_pose_baseline_finds_everybody_however_wrong_its_depth():
    metric = MultiPerson3DMetric()
    metric.dataset_meta = META
    far = B * 5  # at 20 m and five times as tall; the mean pose is put at 2 m, its pixels are ten times too far apart
    table = mean_pose_baseline([make_sample(gt=A)], [make_sample(gt=[A, far])], metric)
    assert (table['pose3d/recall'], table['pose3d/precision']) == (100, 100)
    assert table['pose3d/mrpe_z_mm'] == pytest.approx((0 + 18000) / 2)


def test_mean_pose_baseline_needs_3d():
    metric = MultiPerson3DMetric()
    metric.dataset_meta = META
    with pytest.raises(UserError, match='no person with 3D ground truth'):
        mean_pose_baseline([make_sample(has_3d=False)], [make_sample()], metric)
