"""MuPoTS-3D on two people worked out by hand (tests/evaluation/protocol_scenes.py): 14 joints count for each."""

import logging

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.evaluation import MuPoTSMetric
from das_mm.evaluation.functional.mupots import PORT_BONES, bones_between, match_greedily, ordinal_depth, rescale_bones

from .protocol_scenes import AB, BODY, ROOT, SET, A, B, make_sample, moved, project, score

PERFECT_AUC = 100 * 30 / 31  # nothing is below 0 mm


def mupots(*samples, keypoint_set='mupots17', **options):
    return score(MuPoTSMetric(**options), *samples, keypoint_set=keypoint_set)


def picked(table, *names):
    return [table[name] for name in names]


def test_perfect():
    table = mupots(make_sample())
    for name in ('pck_rel', 'pck_abs', 'pck_root', 'pcod', 'pck_rel_visible', 'TS1/pck_rel', 'TS1/pck_abs'):
        assert table[name] == 100, name
        assert table.get(f'{name}_matched', 100) == 100
    assert picked(table, 'auc_rel', 'auc_abs', 'auc_rel_matched') == pytest.approx([PERFECT_AUC] * 3)
    assert picked(table, 'num_gt', 'num_matched', 'num_sequences') == [2, 2, 1]
    assert np.isnan(table['pck_rel_occluded'])


def test_everybody_shifted_in_depth():
    # the pixels are given, so that the pairs stay: only the poses move
    options = dict(pred_px=project(AB))
    table = mupots(make_sample(pred=AB + [0, 0, 200.0], **options))
    assert picked(table, 'pck_rel', 'pck_abs', 'pck_root', 'auc_abs', 'pcod') == [100, 0, 0, 0, 100]
    # 150 mm: PCK is strict, PCK_root is not
    table = mupots(make_sample(pred=AB + [0, 0, 150.0], **options))
    assert picked(table, 'pck_rel', 'pck_abs', 'pck_root') == [100, 0, 100]
    # 52 mm: below the thresholds 55, 60, …, 150, which are 20 of 31
    table = mupots(make_sample(pred=AB + [0, 0, 52.0], **options))
    assert picked(table, 'pck_abs', 'auc_abs') == pytest.approx([100, 100 * 20 / 31])


def test_bones_get_their_true_lengths():
    roots = AB[:, [ROOT]]
    twice = roots + 2 * (AB - roots)
    assert mupots(make_sample(pred=twice, pred_px=project(AB))) == pytest.approx(mupots(make_sample()), nan_ok=True)


def test_a_bone_in_the_wrong_direction():
    # The left forearm (250 mm along x) points down: the wrist is 250 · √2 = 353.6 mm off, 1 joint of 14 of one person.
    # Its predicted length of 100 mm does not matter.
    wrong = moved(A, left_wrist=(-250, 100, 0))
    table = mupots(make_sample(gt=A, pred=wrong, pred_px=project(A[None])))
    assert table['pck_rel'] == table['pck_abs'] == pytest.approx(100 * 13 / 14)
    # An upper arm (250 mm along x) turned towards the camera takes the forearm with it: elbow 353.6 mm off, wrist
    # (450, 0, -500) - (700, 0, 0) … from the shoulder at x = 200: 500 · √2 = 707 mm: 2 of 14
    wrong = moved(A, left_elbow=(-250, 0, -250), left_wrist=(-500, 0, -500))
    assert mupots(make_sample(gt=A, pred=wrong, pred_px=project(A[None])))['pck_rel'] == pytest.approx(100 * 12 / 14)
    # Pelvis, spine and head do not count: a head turned forwards (100 mm, its head top corrected) costs nothing
    wrong = moved(A, head=(0, 100, -100))
    errors = mupots(make_sample(gt=A, pred=wrong, pred_px=project(A[None])))
    assert errors['pck_rel'] == 100


def test_a_bone_without_length_is_wrong_with_all_that_hang_on_it():
    # the left hip lies in the pelvis, 100 mm off: hip, knee and ankle have no place
    table = mupots(make_sample(gt=A, pred=moved(A, left_hip=(-100, 0, 0)), pred_px=project(A[None])))
    assert table['pck_rel'] == pytest.approx(100 * 11 / 14)


def test_order_of_predictions_ghosts_and_scores_do_not_matter():
    perfect = mupots(make_sample())
    assert mupots(make_sample(pred=AB[::-1])) == pytest.approx(perfect, nan_ok=True)
    ghosts = BODY + np.array([[[0, 3000.0 + 20 * i, 6000]] for i in range(50)])
    assert mupots(make_sample(pred=np.concatenate([ghosts, AB]))) == pytest.approx(perfect, nan_ok=True)
    half = mupots(make_sample(pred=AB, scores=[0.9, 0.1]), score_thr=0.5)
    assert (half['pck_rel'], half['num_matched']) == (50, 1)


def test_one_person_missed():
    table = mupots(make_sample(pred=[A]))
    assert picked(table, 'pck_rel', 'pck_abs', 'pck_root', 'num_matched') == [50, 50, 50, 1]
    assert picked(table, 'pck_rel_matched', 'pck_abs_matched', 'pck_root_matched') == [100, 100, 100]
    # missed people stand at 100 m: B (4 m) behind A (3 m) is the right order, A behind B is not
    assert picked(table, 'pcod', 'pcod_matched') == [100, pytest.approx(np.nan, nan_ok=True)]
    assert mupots(make_sample(pred=[B]))['pcod'] == 0


def test_pairs_are_made_within_40_px():
    # all 13 joints of A off by 41 px in x: not found; by 39 px: found. The 3D poses are right.
    for shift, expected in ((41, 0), (39, 100)):
        table = mupots(make_sample(gt=A, pred=A, pred_px=project(A[None]) + [shift, 0]))
        assert (table['pck_rel'], table['num_matched']) == (expected, expected / 100)
    # one joint of the 13 within 40 px is enough, if it is not the head top
    for name, expected in (('left_knee', 100), ('head_top', 0)):
        px = project(A[None]) + [500, 0]
        px[0, SET.index(name)] -= [500, 0]
        assert mupots(make_sample(gt=A, pred=A, pred_px=px))['pck_rel'] == expected, name


def test_pairs_are_greedy_in_the_order_of_the_truth():
    base = 100 * np.arange(34.0).reshape(1, 17, 2) + 1
    seen = np.ones((2, 17), bool)
    # prediction 0 agrees with truth 0 in the joints 2…9 (8 of 13) and with truth 1 in all 13; prediction 1 with truth 0
    # in 3. Truth 0 comes first and takes prediction 0; truth 1 is left with none, though the sum would be 3 + 13.
    truth = np.concatenate([base, base])
    truth[0, 10:] += 5000
    truth[0, :2] += 5000
    other = np.full((1, 17, 2), 20000.0)
    other[0, 2:5] = base[0, 2:5]
    pred = np.concatenate([base, other])
    assert match_greedily(truth, seen, pred, seen[0]).tolist() == [0, 1]
    other[0, 2:5] = 20000.0
    assert match_greedily(truth, seen, np.concatenate([base, other]), seen[0]).tolist() == [0, -1]
    assert match_greedily(truth[::-1], seen, pred, seen[0]).tolist() == [0, 1]
    # a joint at (0, 0) is not predicted
    origin = np.zeros((1, 17, 2))
    assert match_greedily(origin, seen[:1], origin, seen[0]).tolist() == [-1]


def test_swapped_people():
    # A's pose stands where B is and the other way round, pixels are those of the place: relative poses are the same
    a_there, b_here = A + (B - A)[ROOT], B - (B - A)[ROOT]
    assert mupots(make_sample(pred=[a_there, b_here]))['pck_abs'] == 100  # the two bodies are equal
    # the pixels swapped but not the poses: A is paired with B's pose, 1200 mm beside and 1 m behind
    table = mupots(make_sample(pred=AB, pred_px=project(AB)[::-1]))
    assert picked(table, 'pck_rel', 'pck_abs', 'pck_root', 'pcod') == [100, 0, 0, 0]


def test_order_in_depth():
    # differences of the truth: 100, 2000, 1900; predicted: -100 (both below 300: right), 250, 350
    right, total = ordinal_depth(np.array([2000.0, 2100, 4000]), np.array([2100.0, 2000, 2350]))
    assert (right, total) == (3, 3)
    # 299 against 300: the second is not below the threshold
    assert ordinal_depth(np.array([0.0, 299]), np.array([299.0, 0])) == (1, 1)
    assert ordinal_depth(np.array([0.0, 300]), np.array([299.0, 0])) == (0, 1)
    assert ordinal_depth(np.array([5.0]), np.array([5.0])) == (0, 0)


def test_mean_over_sequences_and_pooled_roots():
    # TS1: two frames found, TS2: one frame missed. PCK: (100 + 0) / 2, not 2 / 3; PCK_root pools: 2 / 3
    found = [make_sample(gt=A, pred=A, img_id=i) for i in (1, 2)]
    missed = make_sample(gt=A, pred=[], seq='', img_id=3) | dict(img_path='MultiPersonTestSet/TS2/img_000000.jpg')
    table = mupots(*found, missed)
    assert picked(table, 'pck_rel', 'pck_abs', 'TS1/pck_rel', 'TS2/pck_rel') == [50, 50, 100, 0]
    assert table['pck_root'] == pytest.approx(200 / 3)
    # TS2 has nobody who was matched: the matched mean is that of TS1
    assert picked(table, 'pck_rel_matched', 'num_sequences') == [100, 2]


def test_normalised_and_metric_truth():
    # univ_annot3 is 0.9 of the pose about the camera: the same pixels, the root at 2700 instead of 3000 mm
    sample = make_sample(gt=A, pred=A, univ=0.9 * A)
    assert picked(mupots(sample), 'pck_rel', 'pck_abs', 'pck_root') == [100, 0, 0]
    table = mupots(sample, truth='annot3')
    assert picked(table, 'annot3/pck_rel', 'annot3/pck_abs', 'annot3/TS1/pck_abs') == [100, 100, 100]
    del sample['gt_instances']['keypoints_3d_univ']
    with pytest.raises(UserError, match='keypoints_3d_univ'):
        mupots(sample)


def test_visible_and_occluded_joints():
    # the left wrist is 353.6 mm off; occluded: both wrists (1 of 2 wrong); visible: the other 12 joints
    occluded = np.zeros((1, 17))
    occluded[0, [SET.index('left_wrist'), SET.index('right_wrist'), ROOT]] = 1
    table = mupots(
        make_sample(gt=A, pred=moved(A, left_wrist=(-250, 250, 0)), pred_px=project(A[None]), occluded=occluded)
    )
    assert picked(table, 'pck_rel_occluded', 'pck_rel_visible') == [50, 100]


@pytest.mark.parametrize('fields', [dict(is_valid=np.array([True, False])), dict(iscrowd=np.array([0, 1]))])
def test_people_who_do_not_count(fields):
    table = mupots(make_sample(pred=[A], **fields))
    assert picked(table, 'pck_rel', 'num_gt') == [100, 1]


def test_people_out_of_the_image_count():
    outside = BODY + [9000, 0, 3000]
    assert mupots(make_sample(gt=outside, pred=outside))['pck_abs'] == 100


@pytest.mark.parametrize('keypoint_set', ['muco21', 'h36m17'])
def test_other_keypoint_sets(keypoint_set):
    sample = dict(gt=A, pred=moved(A, left_wrist=(-250, 100, 0)), pred_px=project(A[None]))
    table = mupots(make_sample(**sample, keypoint_set=keypoint_set), keypoint_set=keypoint_set)
    assert table['pck_rel'] == pytest.approx(100 * 13 / 14)


def test_sets_with_fewer_keypoints_hang_the_neck_on_the_pelvis(monkeypatch):
    warnings = []
    monkeypatch.setattr(
        'das_mm.evaluation.metrics.protocol_metric.print_log',
        lambda text, level=logging.INFO, **_: warnings.append(text),
    )
    table = mupots(make_sample(keypoint_set='panoptic15_mpi'), keypoint_set='panoptic15_mpi')
    assert picked(table, 'pck_rel', 'pck_abs') == [100, 100] and 'spine, head' in warnings[0]
    # without head top too: 13 joints, one of them wrong
    wrong = moved(A, left_wrist=(-250, 100, 0))
    table = mupots(
        make_sample(gt=A, pred=wrong, pred_px=project(A[None]), keypoint_set='coco17'), keypoint_set='coco17'
    )
    assert table['pck_rel'] == pytest.approx(100 * 11 / 12)  # nor has it a neck
    bones = dict(bones_between((True,) * 15 + (False, False)))
    assert bones[SET.index('neck')] == ROOT and SET.index('spine') not in bones


def test_nobody_predicted_or_there():
    table = mupots(make_sample(pred=[]))
    assert picked(table, 'pck_rel', 'pck_abs', 'pck_root', 'auc_rel') == [0, 0, 0, 0]
    assert np.isnan(picked(table, 'pck_rel_matched', 'pcod_matched', 'pck_root_matched')).all()
    for sample in (make_sample(gt=[], pred=[A]), make_sample(gt=[], pred=[])):
        table = mupots(sample)
        assert np.isnan(picked(table, 'pck_rel', 'pck_abs', 'pck_root', 'pcod')).all() and table['num_gt'] == 0
    # an image without people changes nothing, whatever is predicted there
    assert mupots(make_sample(), make_sample(gt=[], pred=[A], img_id=2)) == pytest.approx(
        mupots(make_sample()), nan_ok=True
    )


def test_predictions_that_are_not_finite():
    pred = AB.copy()
    pred[1, 3, 2] = np.nan
    table = mupots(make_sample(pred=pred, pred_px=project(AB)))
    assert picked(table, 'pck_rel', 'num_matched') == [50, 1]


def test_the_port_is_another_measure():
    # perfect predictions are perfect there too
    table = mupots(make_sample(univ=0.5 * AB), variant='port')
    assert picked(table, 'port/pck_rel', 'port/pck_abs') == [100, 100]
    assert np.isnan(table['port/pcod'])
    # One prediction serves both. For B at 4 m the pose found at 3 m is made 4 / 3 as large in x and y; the wrong
    # parents do not undo that. x, y of the joints after it, and their errors (mm), by hand:
    #   neck (0, -667) 167, head top (0, -917) 167, right shoulder (-350, -667) 224, elbow (-450, -667) 167, wrist
    #   (-633, -667) 180, left shoulder (350, -667) 224; left elbow 0, wrist 33, hips 137, knees 0, right ankle 33,
    #   left ankle 0. So 8 of 14 joints of B are right, and all of A.
    table = mupots(make_sample(pred=[A], pred_px=project(A[None]) + 500), variant='port')
    assert picked(table, 'port/pck_rel', 'port/num_matched') == [pytest.approx(100 * 22 / 28), 2]
    # its absolute pose stands at the predicted root: 1000 mm before B
    assert table['port/pck_abs'] == 50
    # without predictions everybody counts as found, and wrong
    table = mupots(make_sample(pred=[]), variant='port')
    assert picked(table, 'port/pck_rel_matched', 'port/num_matched') == [0, 2]


def test_the_port_rescales_along_wrong_parents():
    names = [(SET.keypoints[joint], SET.keypoints[parent]) for joint, parent in PORT_BONES[:5]]
    assert names == [
        ('spine', 'neck'),
        ('neck', 'spine'),
        ('head_top', 'neck'),
        ('head', 'right_shoulder'),
        ('right_shoulder', 'right_elbow'),
    ]
    # twice as large about the pelvis: the spine is put 300 mm (its true distance) below the neck, which still is at
    # -1000: -700 instead of -200
    mapped = rescale_bones(2 * BODY, BODY, PORT_BONES)
    assert mapped[SET.index('spine')].tolist() == [0, -700, 0]


def test_bad_options_and_samples_are_told():
    for options, told in ((dict(truth='gt'), 'univ_annot3'), (dict(variant='python'), 'official')):
        with pytest.raises(UserError, match=told):
            MuPoTSMetric(**options)
    metric = MuPoTSMetric()
    metric.dataset_meta = {}
    with pytest.raises(UserError, match='name its keypoints'):
        metric.process(None, [make_sample()])
