"""Photographs side by side: pixels, labels and what is not known of a tile."""

import json

import numpy as np
import pytest

from das_mm.datasets.datasets import DASLSPETDataset
from das_mm.datasets.transforms import PackDASInputs, PeopleMosaic
from das_mm.errors import UserError
from das_mm.registry import DATASETS
from tests.toy import write_toy_dataset

SIZE = (200, 160)
STILL = dict(scale_range=(1.0, 1.0), translate_sigma=0.0, max_rotation_rad=0.0, flip_prob=0.0)


@pytest.fixture(scope='module')
def photographs(tmp_path_factory):
    """A toy set without cameras, every image with one person."""
    root = tmp_path_factory.mktemp('photographs')
    ann_file = write_toy_dataset(root, num_images=6, people=(1, 1), keypoint_set='lsp14')
    content = json.loads(open(ann_file).read())
    for image in content['images']:
        image.pop('cam_param', None)
        image['has_3d'] = False
    with open(ann_file, 'w') as stream:
        json.dump(content, stream)
    return dict(ann_file=ann_file, data_prefix=dict(img=str(root / 'images')), pipeline=[dict(type='LoadImage')])


def mosaic(photographs, number, ignore_background=True, **options):
    """The canvas of the first ``number`` photographs, and the dataset."""
    dataset = DASLSPETDataset(**photographs, ignore_background=ignore_background)
    results = dataset[0]
    results['mix_results'] = [dataset[i] for i in range(1, number)]
    return PeopleMosaic(SIZE, {number: 1.0}, **{**STILL, **options})(results), dataset


@pytest.mark.parametrize('number', [1, 2, 3, 4, 6])
def test_labels_stay_on_the_pixels_they_had(photographs, number):
    canvas, dataset = mosaic(photographs, number)
    assert canvas['img'].shape == (SIZE[1], SIZE[0], 3) and len(canvas['keypoints']) == number
    for row in range(number):
        image, colours = dataset[row], 0
        for k in np.flatnonzero(canvas['keypoints_flags'][row]):
            x, y = np.rint(canvas['keypoints'][row, k]).astype(int)
            was_x, was_y = np.rint(image['keypoints'][0, k]).astype(int)
            here, there = canvas['img'][y, x].astype(int), image['img'][was_y, was_x].astype(int)
            colours += np.abs(here - there).max() < 60
        # smoothing by the resize and borders of limbs may change a few
        assert colours >= 0.6 * (canvas['keypoints_flags'][row] > 0).sum()
    left = canvas['keypoints'][:, :, 0][canvas['keypoints_flags'] > 0]
    assert (left >= -0.5).all() and (left < SIZE[0]).all()


def test_what_is_cut_from_a_tile_is_not_labelled(photographs):
    """Enlarged four times, most of a person lies outside the tile, where another stands."""
    canvas, _ = mosaic(photographs, 2, scale_range=(4.0, 4.0))
    cut = canvas['keypoints'][0][canvas['keypoints_flags'][0] > 0, 0].max(initial=0)
    assert (canvas['keypoints_flags'] == 0).any() and cut < SIZE[0] * 0.65
    outside = canvas['keypoints'][0, :, 0] > SIZE[0] * 0.65
    assert outside.any() and (canvas['keypoints_flags'][0][outside] == 0).all()


def test_packed_samples(photographs):
    """All people are labels; each tile is a region to ignore, or the sample says that not everyone is labelled."""
    packed = PackDASInputs()(mosaic(photographs, 4)[0])
    labels = packed['data_samples'].gt_instance_labels
    assert packed['inputs'].shape == (3, SIZE[1], SIZE[0]) and int(labels.center_valid.sum()) == 4
    assert len(labels) == 8 and (labels.root_depths_weights == 0).all()  # four tiles to ignore, no depth
    packed = PackDASInputs()(mosaic(photographs, 4, ignore_background=False)[0])
    assert len(packed['data_samples'].gt_instance_labels) == 4
    assert packed['data_samples'].metainfo['everyone_labelled'] is False


def test_in_a_mix_of_mmdet(photographs):
    """The way a config uses it; the number of tiles follows the probabilities."""
    dataset = DATASETS.build(
        dict(
            type='mmdet.MultiImageMixDataset',
            dataset=dict(type='das_mm.DASLSPETDataset', **photographs),
            pipeline=[
                dict(type='das_mm.PeopleMosaic', input_size=SIZE, tiles={'1': 1, '4': 1}),
                dict(type='das_mm.PackDASInputs'),
            ],
        )
    )
    np.random.seed(0)
    numbers = [len(set(map(tuple, dataset[i % 6]['data_samples'].gt_instances.bboxes))) for i in range(12)]
    assert set(numbers) <= {1, 2, 3, 4} and 1 in numbers and max(numbers) > 2


def test_refusals(photographs, tmp_path):
    with pytest.raises(UserError, match='numbers of tiles'):
        PeopleMosaic(SIZE, {5: 1.0})
    ann_file = write_toy_dataset(tmp_path, num_images=1, keypoint_set='lsp14')
    with_camera = DASLSPETDataset(ann_file=ann_file, data_prefix=dict(img=str(tmp_path / 'images')),
                                  pipeline=photographs['pipeline'])  # fmt: skip
    with pytest.raises(UserError, match='camera'):
        PeopleMosaic(SIZE, {1: 1.0})(with_camera[0])
