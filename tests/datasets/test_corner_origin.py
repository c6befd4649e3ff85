"""Labels counted from the corner, as in the released code."""

import copy

import cv2
import numpy as np
import pytest

from das_mm.datasets.transforms import CornerOrigin, DASResize
from das_mm.structures import project, warp_points


def results(width=96, height=48):
    K = np.array([[50.0, 0, 47], [0, 52, 24], [0, 0, 1]])
    points_mm = np.random.default_rng(0).uniform([-500, -300, 1500], [500, 300, 3000], (2, 5, 3))
    return dict(
        img=np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8),
        camera=dict(K=K),
        keypoints=project(points_mm, K),
        keypoints_3d=points_mm,
    )


def test_labels_are_scaled_by_the_factor_alone():
    """Ours and the released frame differ by the half pixel of the point (i + 0.5) * stride: ours = s x - 0.5."""
    before = results()
    usual = DASResize(input_size=(48, 48))(copy.deepcopy(before))
    after = CornerOrigin()(copy.deepcopy(usual))
    np.testing.assert_allclose(after['keypoints'], 0.5 * before['keypoints'] - 0.5)
    np.testing.assert_allclose(usual['keypoints'] - after['keypoints'], 0.25)
    assert np.array_equal(after['img'], usual['img']) and after['img_shape'] == usual['img_shape']
    # truth stays one
    np.testing.assert_allclose(project(after['keypoints_3d'], after['input_K']), after['keypoints'])
    np.testing.assert_allclose(warp_points(before['keypoints'], after['warp_mat']), after['keypoints'])


def test_shrinking_as_mmcv_does():
    before = results()
    after = DASResize(input_size=(48, 48), shrink_interpolation='bilinear')(copy.deepcopy(before))
    assert np.array_equal(after['img'], cv2.resize(before['img'], (48, 24), interpolation=cv2.INTER_LINEAR))
    third = DASResize(input_size=(32, 48))
    assert not np.array_equal(
        third(copy.deepcopy(before))['img'], cv2.resize(before['img'], (32, 16), interpolation=cv2.INTER_LINEAR)
    )
    with pytest.raises(ValueError, match='shrink_interpolation'):
        DASResize(input_size=(48, 48), shrink_interpolation='cubic')
