"""MPI-INF-3DHP and Human3.6M on people worked out by hand (tests/evaluation/protocol_scenes.py)."""

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.evaluation import H36MMetric, MPIINF3DHPMetric
from das_mm.evaluation.functional import h36m_capture, panoptic_activity

from .protocol_scenes import AB, BODY, ROOT, SET, A, B, make_sample, moved, project, score

PERFECT_AUC = 100 * 30 / 31
GHOST = moved(B, left_wrist=(0, 600, 0))  # B's place, another pose
S9, S11 = 'S9_Directions_1.60457274', 'S11_Photo.54138969'


def threedhp(*samples, keypoint_set='mupots17', **options):
    return score(MPIINF3DHPMetric(**options), *samples, keypoint_set=keypoint_set)


def h36m(*samples, keypoint_set='h36m17', **options):
    return score(H36MMetric(**options), *samples, keypoint_set=keypoint_set)


def one(gt=A, pred=A, keypoint_set='mupots17', **fields):
    return make_sample(gt=gt, pred=pred, keypoint_set=keypoint_set, **fields)


def body(pred=A, seq=S9, **fields):
    return one(pred=pred, seq=seq, keypoint_set='h36m17', **fields)


def picked(table, *names):
    return [table[name] for name in names]


def test_3dhp_perfect():
    table = threedhp(one())
    assert picked(table, 'pck', 'TS1/pck', 'spin/pck', 'spin/pck_pa', 'recall') == [100] * 5
    assert picked(table, 'auc', 'TS1/auc', 'spin/auc') == pytest.approx([PERFECT_AUC] * 3)
    assert picked(table, 'mpjpe_mm', 'pa_mpjpe_mm', 'mpjpe_all_mm', 'spin/mpjpe_mm', 'TS1/mpjpe_mm') == pytest.approx(
        [0] * 5, abs=1e-6
    )


def test_3dhp_is_relative_to_the_root():
    # shifted in the camera frame: only the root's own error tells
    table = threedhp(one(pred=A + [30.0, 0, -40]))
    assert picked(table, 'pck', 'mpjpe_mm') == [100, pytest.approx(0, abs=1e-9)]
    assert picked(table, 'mrpe_mm', 'mrpe_x_mm', 'mrpe_y_mm', 'mrpe_z_mm') == pytest.approx([50, 30, 0, 40])


def test_3dhp_joints_that_count():
    # left wrist 170 mm off: 1 of 14 (17 for SPIN); MPJPE 170 / 17 = 10. No bones are rescaled here
    table = threedhp(one(pred=moved(A, left_wrist=(0, 0, 170))))
    assert picked(table, 'pck', 'spin/pck', 'mpjpe_mm') == pytest.approx([100 * 13 / 14, 100 * 16 / 17, 10])
    # head and spine are in MPJPE, not in the official PCK: 340 / 17 = 20
    table = threedhp(one(pred=moved(A, head=(0, 0, 170), spine=(170, 0, 0))))
    assert picked(table, 'pck', 'spin/pck', 'mpjpe_mm') == pytest.approx([100, 100 * 15 / 17, 20])
    # the root moved by 170 mm: 16 joints are off by it, 14 of 14 are wrong and the root itself is right
    table = threedhp(one(pred=moved(A, pelvis=(170, 0, 0))))
    assert picked(table, 'pck', 'spin/pck', 'mpjpe_mm') == pytest.approx([0, 100 / 17, 160])
    # a threshold is not below itself
    assert threedhp(one(pred=moved(A, left_wrist=(0, 0, 150))))['pck'] == pytest.approx(100 * 13 / 14)


def test_3dhp_size_and_the_two_truths():
    # a tenth too big: Procrustes undoes it. univ_annot3 is the default
    big = A[ROOT] + 1.1 * (A - A[ROOT])
    sample = one(gt=A, pred=big, univ=big)
    assert picked(threedhp(sample), 'mpjpe_mm', 'pa_mpjpe_mm') == pytest.approx([0, 0], abs=1e-6)
    expected = 0.1 * np.linalg.norm(BODY, axis=1).mean()
    assert picked(threedhp(sample, truth='annot3'), 'annot3/mpjpe_mm', 'annot3/pa_mpjpe_mm') == pytest.approx(
        [expected, 0], abs=1e-6
    )
    del sample['gt_instances']['keypoints_3d_univ']
    with pytest.raises(UserError, match='annot3'):
        threedhp(sample)


def test_3dhp_is_pooled_over_frames_and_told_by_sequence_and_activity():
    # TS1: two frames, TS6: one whose left wrist is wrong
    wrong = one(pred=moved(A, left_wrist=(0, 0, 170)), seq='TS6', img_id=3) | dict(activity=3)
    table = threedhp(one(), one(img_id=2), wrong)
    assert picked(table, 'pck', 'TS1/pck', 'TS6/pck', 'sitting/pck') == pytest.approx(
        [100 * 41 / 42, 100, 100 * 13 / 14, 100 * 13 / 14]
    )
    assert picked(table, 'TS6/mpjpe_mm', 'sitting/mpjpe_mm') == pytest.approx([10, 10])


def test_spin_leaves_out_frames_with_a_joint_out_of_the_image():
    # 2 m further to the left the right wrist is at x = 960 + 1000 · (-2500 - 700) / 3000 < 0
    edge = A + [-2000.0, 0, 0]
    table = threedhp(one(), one(gt=edge, pred=moved(edge, left_wrist=(0, 0, 170)), img_id=2))
    assert picked(table, 'num_people', 'spin/num_people', 'spin/pck') == [2, 1, 100]
    assert table['pck'] == pytest.approx(100 * 27 / 28)


@pytest.mark.parametrize(
    'metric',
    [threedhp, lambda *samples, **options: h36m(*samples, keypoint_set='mupots17', protocols=['all'], **options)],
)
def test_which_prediction_is_meant(metric):
    # a ghost with a better score than the person; its wrist is 600 mm off, 600 / 17 = 35.3
    sample = one(pred=[GHOST, A], scores=[0.9, 0.8])
    name = 'mpjpe_mm' if metric is threedhp else 'all/mpjpe_mm'
    assert metric(sample)[name] == pytest.approx(600 / 17)
    table = metric(sample, choice='nearest_in_image')
    assert table[f'nearest_in_image/{name}'] == pytest.approx(0, abs=1e-9) and name not in table
    # a ghost with a lower score costs nothing, nor does the order
    assert metric(one(pred=[GHOST, A], scores=[0.7, 0.8]))[name] == pytest.approx(0, abs=1e-9)
    assert metric(one(pred=[A, GHOST], scores=[0.8, 0.9])) == pytest.approx(metric(sample), nan_ok=True)


def test_missed_people():
    # the second frame has no prediction: PCK 0 there; its person stands in the mean pose, which is everybody's
    table = threedhp(one(), one(pred=[], img_id=2))
    assert picked(table, 'pck', 'recall') == [50, 50]
    assert picked(table, 'mpjpe_mm', 'mpjpe_all_mm') == pytest.approx([0, 0], abs=1e-9)
    # the missed one has its left wrist 340 mm elsewhere: the mean is 170 mm off, 170 / 17 = 10 for one of two
    table = threedhp(one(), one(gt=moved(A, left_wrist=(0, 0, 340)), pred=[], img_id=2))
    assert picked(table, 'mpjpe_mm', 'mpjpe_all_mm') == pytest.approx([0, 5], abs=1e-9)


@pytest.mark.parametrize('metric', [MPIINF3DHPMetric(), MPIINF3DHPMetric(choice='nearest_in_image'), H36MMetric()])
def test_nobody_there_or_nothing_usable(metric):
    for fields in (dict(gt=[], pred=[]), dict(gt=[], pred=[A]), dict(pred=[])):
        table = score(metric, one(seq=S9, **fields))
        numbers = {name: value for name, value in table.items() if name.endswith('mpjpe_mm')}
        assert numbers and np.isnan(list(numbers.values())).all()
    table = score(metric, one(seq=S9, pred=[A * np.nan, A], scores=[0.9, 0.8], pred_px=project(np.stack([A, A]))))
    errors = [
        value for name, value in table.items() if name in ('mpjpe_mm', 'nearest_in_image/mpjpe_mm', 'pose_p2/mpjpe_mm')
    ]  # the usable one is taken
    assert errors == pytest.approx([0], abs=1e-9)


def test_3dhp_from_other_sets():
    # muco21 has all; h36m17 too, the head through its jaw
    wrong = moved(A, left_wrist=(0, 0, 170))
    for keypoint_set in ('muco21', 'h36m17'):
        table = threedhp(one(pred=wrong, keypoint_set=keypoint_set), keypoint_set=keypoint_set)
        assert picked(table, 'pck', 'mpjpe_mm') == pytest.approx([100 * 13 / 14, 10]), keypoint_set


def test_h36m_perfect_and_shifted():
    table = h36m(body(), body(seq=S11, img_id=2))
    for name in ('mpjpe_mm', 'pa_mpjpe_mm', 'rigid_mpjpe_mm', 'mrpe_mm', 'Directions/mpjpe_mm'):
        assert table[f'pose_p2/{name}'] == pytest.approx(0, abs=1e-6), name
    table = h36m(body(pred=A + [30.0, 0, -40]))
    assert table['pose_p2/mpjpe_mm'] == pytest.approx(0, abs=1e-9)
    assert picked(table, *(f'pose_p2/mrpe_{axis}mm' for axis in ('', 'x_', 'y_', 'z_'))) == pytest.approx(
        [50, 30, 0, 40]
    )


def test_h36m_alignments():
    # A tenth too big. Distances from the pelvis: hips 100, knees 412.3, ankles 806.2, spine 200, neck 500, head 600,
    # top 750, shoulders 538.5, elbows 672.7, wrists 860.2: in all 8829.9, MPJPE .1 · 8829.9 / 17 = 51.94. The rigid
    # error is a tenth of the mean distance from the mean of the joints; a similarity leaves nothing.
    table = h36m(body(pred=A[ROOT] + 1.1 * (A - A[ROOT])))
    centred = BODY - BODY.mean(0)
    assert table['pose_p2/mpjpe_mm'] == pytest.approx(51.94, abs=0.005)
    assert picked(table, 'pose_p2/rigid_mpjpe_mm', 'pose_p2/pa_mpjpe_mm') == pytest.approx(
        [0.1 * np.linalg.norm(centred, axis=1).mean(), 0], abs=1e-6
    )


def test_h36m_protocols():
    # S9 (camera 60457274) is right, S11 (another camera) has its left wrist 170 mm off: 10 mm in 17 joints; among the
    # 14 of LSP 170 / 14; S1 is of no protocol
    wrong = moved(A, left_wrist=(0, 0, 170))
    samples = [body(), body(pred=wrong, seq=S11, img_id=2), body(pred=B, seq='S1_Eating.54138969', img_id=3)]
    table = h36m(*samples, protocols=['pose_p1', 'pose_p2', 'mesh_p1', 'mesh_p2', 'all'])
    expected = dict(pose_p1=10, pose_p2=5, mesh_p1=170 / 14 / 2, mesh_p2=0, all=10 / 3)
    assert {name: table[f'{name}/mpjpe_mm'] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert {name: table[f'{name}/num_people'] for name in expected} == dict(
        pose_p1=1, pose_p2=2, mesh_p1=2, mesh_p2=1, all=3
    )
    # jaw and spine are not among LSP's 14; the pelvis still aligns
    table = h36m(body(pred=moved(A, head=(0, 0, 170), spine=(0, 0, 170))), protocols=['pose_p2', 'mesh_p2'])
    assert picked(table, 'pose_p2/mpjpe_mm', 'mesh_p2/mpjpe_mm') == pytest.approx([20, 0], abs=1e-9)
    assert picked(table, 'mesh_p2/pa_mpjpe_mm') == pytest.approx([0], abs=1e-6)
    with pytest.raises(UserError, match='pose_p2'):
        H36MMetric(protocols=['p2'])


def test_h36m_actions_and_their_mean():
    # Directions: three people, 0; Photo: one, 10. People: 2.5, actions: 5
    samples = [body(img_id=i) for i in range(3)] + [body(pred=moved(A, left_wrist=(0, 0, 170)), seq=S11, img_id=4)]
    table = h36m(*samples)
    assert picked(table, 'pose_p2/mpjpe_mm', 'pose_p2/mpjpe_action_mean_mm', 'pose_p2/Photo/mpjpe_mm') == pytest.approx(
        [2.5, 5, 10], abs=1e-9
    )
    assert np.isnan(h36m(body())['pose_p1/mpjpe_mm'])  # nobody of S11


@pytest.mark.parametrize(
    'name, expected',
    [
        ('S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg', (1, 'Directions', '54138969')),
        ('S5_SittingDown.54138969', (5, 'SittingDown', '54138969')),
        ('S8_WalkDog_1.55011271', (8, 'WalkDog', '55011271')),
        ('S11/Videos/WalkingDog 1.58860488', (11, 'WalkDog', '58860488')),
        ('S9_TakingPhoto.60457274', (9, 'Photo', '60457274')),
        ('images/s_09_act_16_subact_02_ca_03/s_09_act_16_subact_02_ca_03_000001.jpg', (9, 'WalkTogether', '58860488')),
        ('TS1', (0, '', '')),
    ],
)
def test_names_of_h36m(name, expected):
    capture = h36m_capture(name)
    assert (capture.subject, capture.action, capture.camera) == expected


def test_names_of_panoptic():
    assert [panoptic_activity(name) for name in ('160906_pizza1', '160224_ultimatum2', '161202_haggling1', '')] == [
        'pizza',
        'ultimatum',
        'haggling',
        'other',
    ]


def test_two_people_in_a_set_of_single_people():
    # each is compared with the prediction of the highest score: A is right; B is A's pose, right relative to its root
    assert threedhp(make_sample(gt=AB, pred=[A]))['mpjpe_mm'] == pytest.approx(0, abs=1e-9)
    px = project(np.stack([A, A]))
    assert threedhp(make_sample(gt=AB, pred=[moved(A, left_wrist=(0, 0, 170)), A], scores=[0.9, 0.1], pred_px=px))[
        'mpjpe_mm'
    ] == pytest.approx(10)
    assert SET.keypoints[ROOT] == 'pelvis'
