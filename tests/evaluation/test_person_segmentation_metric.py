import cv2
import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.evaluation import PersonSegmentationMetric
from das_mm.evaluation.functional import label_counts, segmentation_scores

K = np.array([[100.0, 0, 24], [0, 100.0, 32], [0, 0, 1]])


def test_counts_are_pooled_and_ignored_pixels_left_out():
    gt = np.array([[0, 0, 1, 1, 2, 255]])
    counts = label_counts(np.array([[0, 1, 1, 1, 0, 2]]), gt, 3)
    assert counts.tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]
    accuracy, f1 = segmentation_scores(counts)
    assert accuracy == pytest.approx(60) and f1 == pytest.approx((2 / 4 + 4 / 5 + 0) / 3)
    assert np.isnan(segmentation_scores(np.zeros((2, 2)))).all()
    with pytest.raises(ValueError, match='shapes'):
        label_counts(gt, gt[:, :2], 3)


def sample(name, **pred):
    upright = np.array([[np.pi, 0, 0]])
    pred = dict(
        smpl_global_orient=upright, smpl_body_pose=np.zeros((1, 23, 3)), smpl_betas=np.zeros((1, 10)),
        smpl_transl_mm=np.array([[0, 0, 3500.0]]), **pred,
    )  # fmt: skip
    return dict(img_path=f'/images/{name}.jpg', ori_shape=(64, 48), camera=dict(K=K), pred_instances=pred)


def test_a_mesh_is_drawn_where_the_camera_sees_it(tmp_path):
    parts = tmp_path / 'parts.npy'
    np.save(parts, np.where(np.arange(6890) < 3000, 1, 2))
    metric = PersonSegmentationMetric(str(tmp_path), vertex_parts=str(parts))
    upright = np.zeros((1, 24, 3))
    upright[0, 0, 0] = np.pi
    hit = metric._hit_vertices(sample('none'), metric.body.posed(upright, np.zeros((1, 10)))[0][0])
    drawn = hit >= 0
    rows, columns = np.nonzero(drawn)
    assert 40 < np.ptp(rows) < 56 and abs(columns.mean() - 24) < 2  # 1.7 m at 3.5 m by a camera of 100 px
    cv2.imwrite(str(tmp_path / 'a_segmentation.png'), drawn.astype(np.uint8))
    cv2.imwrite(str(tmp_path / 'a_part_segmentation.png'), metric._parts(hit).astype(np.uint8))
    metric.process(None, [sample('a'), sample('none')])
    table = metric.evaluate(2)
    assert table == dict(accuracy=100, F1=1, part_accuracy=100, part_F1=1, num_images=1)
    shifted = drawn.astype(np.uint8)
    shifted[:, :24] = 255  # not judged
    shifted[:, 24:] = 1 - shifted[:, 24:]
    cv2.imwrite(str(tmp_path / 'a_segmentation.png'), shifted)
    metric.results.clear()
    metric.process(None, [sample('a')])
    assert metric.evaluate(1)['accuracy'] == 0


def test_unfit_files(tmp_path):
    with pytest.raises(UserError, match='mask_dir'):
        PersonSegmentationMetric(str(tmp_path / 'none'))
    np.save(tmp_path / 'p.npy', np.zeros(10, int))
    with pytest.raises(UserError, match='(?s)p.npy.*vertex_parts'):
        PersonSegmentationMetric(str(tmp_path), vertex_parts=str(tmp_path / 'p.npy'))
    cv2.imwrite(str(tmp_path / 'a_segmentation.png'), np.zeros((5, 5), np.uint8))
    with pytest.raises(UserError, match='a_segmentation.png'):
        PersonSegmentationMetric(str(tmp_path)).process(None, [sample('a')])
