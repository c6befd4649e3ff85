"""The labels of a network input, drawn: who is learnt, who is ignored, how far every joint is."""

import numpy as np
import pytest

from das_mm.structures import KEYPOINT_SETS
from das_mm.visualization import draw_labels, draw_relative_depths
from das_mm.visualization.labels import depth_color

K = KEYPOINT_SETS['panoptic15'].num_keypoints


@pytest.fixture
def labels():
    """Two people: columns of joints at x = 20 and x = 60; the second one is ignored."""
    keypoints = np.stack([np.stack([np.full(K, x), np.linspace(10, 80, K)], axis=1) for x in (20.0, 60.0)])
    return dict(
        bboxes=np.array([[10.0, 5, 30, 85], [50, 5, 70, 85]]),
        keypoints=keypoints,
        keypoints_weights=np.ones((2, K)),
        center_valid=np.array([True, False]),
        root_depths_norm=np.array([8.0, 8.0]),
        root_depths_weights=np.ones(2),
        relative_depths_mm=np.zeros((2, K)),
        relative_depths_weights=np.ones((2, K)),
    )


def changed(picture):
    return (picture != 90).any(-1)


def test_learnt_and_ignored(labels):
    image = np.full((100, 100, 3), 90, np.uint8)
    drawn = changed(draw_labels(image, labels, 'panoptic15'))
    assert drawn[10:81, 19:22].all()  # the spine of the first
    assert drawn[5:86, 10].all() and drawn[5:86, 30].all()  # its box
    ignored = drawn[6:85, 51:70]
    assert 0.05 < ignored.mean() < 0.6  # hatched: no skeleton over it
    assert not drawn[:, 80:].any() and (image == 90).all()
    labels['center_valid'][:] = False
    assert draw_labels(image, labels, 'panoptic15', scale=2).shape == (200, 200, 3)


def test_depth_is_written_only_where_it_is_known(labels):
    image = np.full((100, 100, 3), 90, np.uint8)
    unknown = draw_labels(image, labels, 'panoptic15')
    known = draw_labels(image, labels, 'panoptic15', focal_px=400.0)
    assert (known != unknown).any()
    assert (draw_labels(image, labels, 'panoptic15', focal_px=500.0) != known).any()  # another number
    labels['root_depths_weights'][0] = 0
    assert (draw_labels(image, labels, 'panoptic15', focal_px=400.0) == unknown).all()


def test_unsupervised_keypoints_are_not_drawn(labels):
    image = np.full((100, 100, 3), 90, np.uint8)
    labels['keypoints_weights'][:] = 0
    labels['keypoints_weights'][0, 3] = 1
    drawn = changed(draw_relative_depths(image, labels))
    x, y = labels['keypoints'][0, 3].round().astype(int)
    assert drawn[y, x] and not drawn[: y - 6].any() and not drawn[y + 7 :].any() and not drawn[:, 40:].any()


def test_colour_of_depth(labels):
    image = np.full((100, 100, 3), 90, np.uint8)
    labels['relative_depths_mm'][0, :3] = -250, 0, 250
    labels['relative_depths_weights'][0, 3] = 0
    drawn = draw_relative_depths(image, labels)
    places = labels['keypoints'][0, :4].round().astype(int)
    near, same, far, unknown = (drawn[y, x].astype(int) for x, y in places)
    assert near[2] > near[0] + 100 and far[0] > far[2] + 100 and same.min() > 240  # BGR
    assert unknown.max() < 100  # hollow
    assert depth_color(-1e4) == depth_color(-250) != depth_color(-100) and depth_color(0) == (255, 255, 255)
