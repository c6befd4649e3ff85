"""PhotographMetric on people placed by hand."""

import numpy as np
import pytest

from das_mm.datasets import DASDataset
from das_mm.errors import UserError
from das_mm.evaluation.metrics import PhotographMetric
from das_mm.structures import KEYPOINT_SETS

KSET = KEYPOINT_SETS['panoptic15']
TORSO_PX = 100.0


def person(x=200.0, y=200.0):
    """(15, 2) px: keypoints on a column, shoulders 100 px above the opposite hips."""
    keypoints = np.stack([np.full(15, x), y + 10 * np.arange(15.0)], axis=1)
    for name, offset in (('left_shoulder', 0), ('right_hip', 100), ('right_shoulder', 0), ('left_hip', 100)):
        keypoints[KSET.index(name)] = x, y + offset
    return keypoints


def sample(truth, found, scores, visible=None, **fields):
    box = lambda all_: np.array([[*one.min(0), *one.max(0)] for one in all_]).reshape(-1, 4)
    truth, found = (np.array(all_).reshape(-1, 15, 2) for all_ in (truth, found))
    return dict(
        gt_instances=dict(
            keypoints=truth, keypoints_visible=np.ones((len(truth), 15)) if visible is None else visible,
            bboxes=box(truth), **fields),
        pred_instances=dict(keypoints=found, scores=np.array(scores), bboxes=box(found)),
    )  # fmt: skip


def measure(*samples, **options):
    metric = PhotographMetric(**options)
    metric.dataset_meta = DASDataset.metainfo_of(KSET)
    metric.process(None, samples)
    return metric.compute_metrics(metric.results)


def test_the_best_match_counts():
    """Of two predictions the one with more keypoints within half a torso (50 px), not the one of the better score."""
    near, far = person() + (49, 0), person() + (51, 0)
    half = np.where(np.arange(15)[:, None] < 8, near, far)
    numbers = measure(sample([person()], [far, half], [0.9, 0.2]))
    assert numbers['pck_torso'] == pytest.approx(100 * 8 / 15) and numbers['found'] == 100
    assert numbers['predictions_per_image'] == 2
    assert measure(sample([person()], [far, half], [0.9, 0.2]), score_thr=0.5)['pck_torso'] == 0
    assert measure(sample([person()], [], []))['found'] == 0
    assert measure(sample([person()], [near], [0.5]), torso_share=0.48)['pck_torso'] == 0


def test_only_labelled_keypoints_of_people_who_count():
    visible = np.ones((2, 15))
    visible[0, 4:6] = 0
    found = person()
    found[4:6] += 500
    crowd = dict(iscrowd=np.array([False, True]), is_valid=np.array([True, True]))
    numbers = measure(sample([person(), person(600)], [found], [0.5], visible, **crowd))
    assert numbers['pck_torso'] == 100 and numbers['found'] == 100
    visible[0] = 0  # nobody is left
    assert np.isnan(measure(sample([person(), person(600)], [found], [0.5], visible, **crowd))['pck_torso'])


def test_boxes_and_the_recall_at_a_precision():
    """Scores 0.9 (right), 0.8 (wrong), 0.7 (right), 0.6 (wrong): 100, 50, 67, 50 %; two of three people."""
    first, second, third = person(100), person(300), person(500)
    wide = lambda one: one + np.linspace(-40, 40, 15)[:, None] * (1, 0)
    first, second, third = map(wide, (first, second, third))
    nobody = wide(person(800))
    one = sample([first, second, third], [first, nobody, second, first], [0.9, 0.8, 0.7, 0.6])
    numbers = measure(one)
    assert numbers['box_recall'] == pytest.approx(200 / 3) and numbers['box_precision'] == 50
    assert numbers['recall_at_precision'] == pytest.approx(200 / 3) and numbers['score_at_precision'] == 0.7
    assert measure(one, precision=90)['recall_at_precision'] == pytest.approx(100 / 3)
    # the boxes are 140 px high: people too small do not count, nor do predictions that meet them
    small = measure(one, least_height_px=141)
    assert np.isnan(small['box_recall']) and small['box_precision'] == 0


def test_a_set_without_torso():
    metric = PhotographMetric()
    metric.dataset_meta = dict(keypoint_id2name={0: 'nose'})
    with pytest.raises(UserError, match='no shoulders and hips'):
        metric.process(None, [sample([person()], [], [])])
