"""The Panoptic protocols on two people worked out by hand (tests/evaluation/scenes.py: root, head, hand)."""

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.evaluation import MultiPerson3DMetric, PanopticMetric

from .scenes import AB, META, A, B, K, make_sample, project

GHOST = np.array([[-600.0, 0, 2500], [-600, -900, 2500], [-100, 0, 2500]])  # its pose is nobody's
NAMES = ('one_to_one', 'literature', 'released_code')
TURN = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # the camera is rolled by a quarter turn


def panoptic(*samples, meta=META, **options):
    metric = PanopticMetric(**options)
    metric.dataset_meta = meta
    for sample in samples:
        metric.process(None, [sample])
    table = metric.evaluate(len(samples))
    assert all(type(value) is float for value in table.values())
    return {name.removeprefix('panoptic/'): value for name, value in table.items()}


def sample_of(seq='160422_haggling1', R=None, dist=None, **fields):
    sample = make_sample(**fields)
    sample.update(seq=seq, camera=dict(K=K, R=R, T=None, dist=dist))
    return sample


def errors(table, activity=''):
    return [table[f'{name}/{activity}mpjpe_mm'] for name in NAMES]


def test_perfect():
    table = panoptic(sample_of())
    assert errors(table) == errors(table, 'haggling/') == pytest.approx([0, 0, 0], abs=1e-9)
    assert (table['one_to_one/recall'], table['one_to_one/precision']) == (100, 100)
    assert table['literature/num_fallback'] == 0


def test_everybody_shifted():
    # 50 mm off in the camera frame, right relative to the root: only our default sees it
    table = panoptic(sample_of(pred=AB + [30.0, 0, -40]))
    assert errors(table) == pytest.approx([0, 0, 0], abs=1e-9)
    assert (table['one_to_one/mpjpe_abs_mm'], table['one_to_one/mrpe_mm']) == pytest.approx((50, 50))


def test_two_people_in_the_other_order():
    assert panoptic(sample_of(pred=AB[::-1])) == panoptic(sample_of())


def test_people_who_changed_places():
    # A's pose stands where B is and the other way round: the hands of 200 and 300 mm are exchanged, 100 off each
    a_there, b_here = A + (B[0] - A[0]), B + (A[0] - B[0])
    table = panoptic(sample_of(pred=[a_there, b_here]))
    assert errors(table) == pytest.approx([100 / 3, 0, 0])


def test_one_person_missed():
    # A's prediction also serves B, whose hand is at 300 instead of 200: (0 + 0 + 100) / 3, A: 0
    table = panoptic(sample_of(pred=[A]))
    assert errors(table) == pytest.approx([0, 100 / 6, 100 / 6])
    # without the root's zero: joints 0, 0 and 0, 100
    assert table['released_code/mpjpe_no_root_mm'] == pytest.approx(100 / 4)
    assert (table['one_to_one/recall'], table['literature/num_fallback']) == (50, 0)


def test_means_over_people_and_over_joints():
    # B's head is not labelled: the literature's mean is (0 + (0 + 100) / 2) / 2, the code's 100 / 5 joints
    flags = np.array([[2, 2, 2], [2, 0, 2]])
    table = panoptic(sample_of(pred=[A], keypoints_flags=flags))
    assert errors(table) == pytest.approx([0, 25, 20])


def test_images_are_weighted_by_their_people_in_the_code():
    # Image 1: 100 / 5 = 20 for two people (as above); image 2: A, its hand 60 off: 20. Image 3: A perfect: 0.
    off = A + np.array([[0], [0], [1]]) * [0.0, 0, 60]
    table = panoptic(
        sample_of(pred=[A], keypoints_flags=np.array([[2, 2, 2], [2, 0, 2]])),
        sample_of(gt=A, pred=off, img_id=2),
        sample_of(gt=A, pred=A, img_id=3),
    )
    assert table['released_code/mpjpe_mm'] == pytest.approx((2 * 20 + 20 + 0) / 4)
    assert table['literature/mpjpe_mm'] == pytest.approx((0 + 50 + 20 + 0) / 4)


def test_ghosts_cost_precision_only():
    ghosts = [GHOST + 7 * i for i in range(50)]
    table, clean = panoptic(sample_of(pred=[A, *ghosts, B])), panoptic(sample_of())
    assert errors(table) == errors(clean)
    assert table['one_to_one/precision'] == pytest.approx(200 / 52)


def test_nothing_predicted_is_the_mean_pose():
    # the mean hand is at 250: 50 off for both, (0 + 0 + 50) / 3
    table = panoptic(sample_of(pred=[]))
    assert errors(table)[1:] == pytest.approx([50 / 3, 50 / 3]) and np.isnan(table['one_to_one/mpjpe_mm'])
    assert table['literature/num_fallback'] == table['released_code/haggling/num_fallback'] == 2
    # beside an image with predictions there are still two fallbacks: (50 / 3 · 2 + 0 · 2) / 4
    table = panoptic(sample_of(pred=[]), sample_of(img_id=2))
    assert errors(table)[1:] == pytest.approx([25 / 3, 25 / 3]) and table['literature/num_fallback'] == 2


def test_mean_pose_of_the_code_is_of_the_activity_and_of_all_annotated():
    # Haggling: A and the far B whose root is out of the image (ignored, but in the mean); Mafia: A only.
    outside = B + [4000.0, 0, 0]
    table = panoptic(sample_of(gt=[A, outside], pred=[]), sample_of('160224_mafia1', gt=A, pred=[], img_id=2))
    # code: haggling's mean hand is 250, 50 off; mafia's 200. Literature: both evaluated people are A
    assert (table['released_code/haggling/mpjpe_mm'], table['released_code/mafia/mpjpe_mm']) == pytest.approx(
        (50 / 3, 0)
    )
    assert table['literature/mpjpe_mm'] == pytest.approx(0)


def test_mean_pose_of_the_code_is_one_of_the_world():
    # One person seen by two cameras, the second rolled by a quarter: R · A. In the world both are the same pose, so
    # the mean fits; in the camera frame the hand is (200, 0) and (0, 200), the head (0, -400) and (400, 0): means
    # (100, 100) and (200, -200), off by 100 √2 and 200 √2, (0 + 100 √2 + 200 √2) / 3 = 141.4
    rolled = A[0] + (A - A[0]) @ TURN.T
    samples = [sample_of(gt=A, pred=[], R=np.eye(3)), sample_of(gt=rolled, pred=[], R=TURN, img_id=2)]
    table = panoptic(*samples)
    assert table['released_code/mpjpe_mm'] == pytest.approx(0, abs=1e-9)
    assert table['literature/mpjpe_mm'] == pytest.approx(100 * np.sqrt(2))
    # one camera that does not tell how it stands: the mean is taken in the camera frame
    samples[1]['camera']['R'] = None
    assert panoptic(*samples)['released_code/mpjpe_mm'] == pytest.approx(100 * np.sqrt(2))


def test_activities_and_their_plain_mean():
    # haggling: hand 30 off for two people (10); mafia: 90 off for one (30); other: perfect
    hand = np.array([[0], [0], [1]]) * [0.0, 0, 1]
    samples = [
        sample_of(pred=AB + 30 * hand),
        sample_of('160226_mafia1', gt=A, pred=A + 90 * hand, img_id=2),
        sample_of('171204_pose1', img_id=3),
        sample_of('160906_pizza1', gt=[], pred=[A], img_id=4),
    ]
    table = panoptic(*samples)
    assert errors(table, 'haggling/') == pytest.approx([10] * 3) and errors(table, 'mafia/') == pytest.approx([30] * 3)
    assert errors(table) == pytest.approx([20] * 3)  # not the 12.5 of the people, and without the other
    assert errors(table, 'other/') == pytest.approx([0] * 3) and table['one_to_one/num_gt'] == 5
    assert 'one_to_one/pizza/recall' not in table  # nobody is there
    # where there is none of the four, the other is what is left
    assert errors(panoptic(sample_of('x', pred=AB + 30 * hand))) == pytest.approx([10] * 3)


def test_nose_is_not_evaluated_by_the_code():
    meta = dict(META, keypoint_id2name={0: 'mid_hip', 1: 'nose', 2: 'left_wrist'})
    off = A + np.array([[0], [1], [0]]) * [0.0, 0, 60]
    table = panoptic(sample_of(gt=A, pred=off), meta=meta)
    assert errors(table) == pytest.approx([20, 20, 0])
    assert panoptic(sample_of(gt=A, pred=off), meta=meta, mask_nose=False)['released_code/mpjpe_mm'] == pytest.approx(
        20
    )


def test_distortion_is_ignored_by_the_code():
    # The lens moves the true hand by 5 px, the prediction's by 20 px; the 3D poses are equal. Pixels and depth (2 m,
    # f = 1000) with the intrinsics alone: 10 and 40 mm off to the same side, 30 between them, (0 + 0 + 30) / 3
    px, pred_px = project(A[None]), project(A[None])
    px[0, 2, 0] += 5
    pred_px[0, 2, 0] += 20
    sample = sample_of(gt=A, pred=A, pred_px=pred_px, keypoints=px, dist=np.array([-0.1, 0, 0, 0, 0]))
    assert panoptic(sample)['released_code/mpjpe_mm'] == pytest.approx(10)
    assert panoptic(sample)['literature/mpjpe_mm'] == pytest.approx(0, abs=1e-9)
    assert panoptic(sample, ignore_distortion=False)['released_code/mpjpe_mm'] == pytest.approx(0, abs=1e-9)
    sample['camera']['dist'] = None  # then the poses are taken as they are
    assert panoptic(sample)['released_code/mpjpe_mm'] == pytest.approx(0, abs=1e-9)
    sample['camera'].update(K=None, dist=[0.1] * 5)
    with pytest.raises(UserError, match='intrinsics'):
        panoptic(sample)


def test_nobody_there_and_truth_in_2d_only():
    for sample in (sample_of(gt=[], pred=[]), sample_of(gt=[], pred=[A])):
        table = panoptic(sample)
        assert np.isnan(errors(table)).all() and table['released_code/num_fallback'] == 0
    table = panoptic(sample_of(has_3d=False))
    assert np.isnan(errors(table)).all()
    assert (table['one_to_one/recall'], table['one_to_one/num_images_2d_only']) == (100, 1)


def test_predictions_that_are_not_finite():
    pred = AB.copy()
    pred[1, 2, 0] = np.nan
    table = panoptic(sample_of(pred=pred, pred_px=project(AB)))
    assert errors(table) == pytest.approx([0, 100 / 6, 100 / 6])
    assert table['one_to_one/num_pred_not_finite'] == 1


def test_our_default_is_the_multi_person_metric():
    samples = [sample_of(pred=[A + [30.0, 0, -40], GHOST]), sample_of(pred=1.1 * AB, img_id=2)]
    metric = MultiPerson3DMetric()
    metric.dataset_meta = META
    metric.process(None, samples)
    expected = metric.evaluate(2)
    table = panoptic(*samples)
    assert {
        f'one_to_one/{name.removeprefix("pose3d/")}': value for name, value in expected.items()
    }.items() <= table.items()
