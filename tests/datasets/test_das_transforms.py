"""Depth, camera and labels stay one truth under every geometric transform."""

import copy
import math

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmpose.registry import TRANSFORMS as MMPOSE_TRANSFORMS

from das_mm.datasets.datasets import DASDataset
from das_mm.datasets.transforms import DASRandomAffine, DASRandomFlip, DASResize, PackDASInputs, warp_image
from das_mm.registry import MODELS, TRANSFORMS
from das_mm.structures import KEYPOINT_SETS, focal_px, project, warp_points
from tests.toy import toy_pipeline, write_toy_coco, write_toy_dataset

GEOMETRY = {
    'resize': [DASResize(input_size=(96, 96))],
    'resize up': [DASResize(short_side_range=(200, 300), max_long_side=360)],
    'affine, the defaults': [DASRandomAffine(input_size=(224, 160))],
    'affine, rotated': [DASRandomAffine(input_size=(224, 160), max_rotation_rad=0.8)],
    'affine, multi-scale': [DASRandomAffine(short_side_range=(64, 160), max_long_side=170, max_rotation_rad=0.15)],
    'flip': [DASRandomFlip(prob=1.0)],
    'everything': [
        DASResize(input_size=(331, 211)),
        DASRandomFlip(prob=1.0),
        DASRandomAffine(input_size=(160, 224), max_rotation_rad=0.5),
        DASRandomFlip(prob=1.0),
        DASRandomAffine(input_size=(128, 128), max_rotation_rad=1.5),
        DASRandomFlip(prob=1.0),
    ],
}


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    root = tmp_path_factory.mktemp('toy')
    ann_file = write_toy_dataset(root, num_images=5, people=(1, 3), seed=3)
    return DASDataset(ann_file=ann_file, data_root=str(root), data_prefix=dict(img='images'))


def load(dataset, index):
    record = dataset.get_data_info(index)
    K = record['camera']['K']
    record['camera']['K'] = K * [[1.0, 1, 1], [1, 1.03, 1], [1, 1, 1]]  # fx != fy is the harder case
    record['keypoints'] = project(record['keypoints_3d'].astype(float), record['camera']['K'])
    record['root_px'] = record['keypoints'][:, 2]
    record['gt']['keypoints'] = record['keypoints'].copy()
    record['img'] = cv2.imread(record['img_path'])
    return record


@pytest.mark.parametrize('name', GEOMETRY)
def test_truth_stays_one(toy, name):
    np.random.seed(0)
    for index in range(len(toy)):
        before = load(toy, index)
        after = copy.deepcopy(before)
        for transform in GEOMETRY[name]:
            after = transform(after)
        K = after['input_K']
        assert after['img'].shape[:2] == after['img_shape']
        # what the moved camera sees of the moved people is where the labels are
        assert np.abs(project(after['keypoints_3d'], K) - after['keypoints']).max() < 1e-3
        assert K[0, 0] > 0 and K[1, 1] > 0 and K[1, 0] == 0 and K[2].tolist() == [0, 0, 1]
        # the labels are where the map puts them, under the names of a mirrored person if mirrored
        order = list(KEYPOINT_SETS['panoptic15'].flip_indices) if after['flip'] else slice(None)
        moved = warp_points(before['keypoints'], after['warp_mat'])[:, order]
        assert np.abs(moved - after['keypoints']).max() < 1e-6
        assert (after['keypoints_flags'] == before['keypoints_flags'][:, order]).all()
        assert np.abs(after['root_px'] - after['keypoints'][:, 2]).max() < 1e-6
        # depths do not change; normalised ones follow the focal length
        assert np.allclose(after['keypoints_3d'][..., 2], before['keypoints_3d'][:, order, 2])
        scale = math.sqrt(abs(np.linalg.det(after['warp_mat'][:, :2])))
        assert focal_px(K) == pytest.approx(scale * focal_px(before['camera']['K']))
        # bones keep their lengths
        bones = np.array(KEYPOINT_SETS['panoptic15'].links)
        lengths = [
            np.sort(np.linalg.norm(p[:, bones[:, 0]] - p[:, bones[:, 1]], axis=-1))
            for p in (before['keypoints_3d'], after['keypoints_3d'])
        ]
        assert np.allclose(*lengths, atol=0.01)


@pytest.mark.parametrize('name', GEOMETRY)
def test_packed_labels_decode_to_the_truth(toy, name):
    """root_depths_norm * f is z, and everything leads back to the annotated people of the stored image."""
    np.random.seed(1)
    for index in range(len(toy)):
        results = load(toy, index)
        for transform in GEOMETRY[name]:
            results = transform(results)
        sample = PackDASInputs(supervise_outside=True)(results)['data_samples']
        labels, truth = sample.gt_instance_labels, sample.gt_instances
        kept = kept_rows(results)
        z = labels.root_depths_norm.numpy() * focal_px(sample.input_K)
        assert np.allclose(z, truth.root_depths_mm[kept], rtol=1e-5)
        # the depth of the released code's own formula: d * f of the stored image * scale
        scale = math.sqrt(abs(np.linalg.det(sample.warp_mat[:, :2])))
        assert np.allclose(
            labels.root_depths_norm.numpy() * focal_px(sample.camera['K']) * scale,
            truth.root_depths_mm[kept],
            rtol=1e-4,
        )
        order = list(KEYPOINT_SETS['panoptic15'].flip_indices) if sample.flip else slice(None)
        stored = warp_points(
            labels.keypoints.numpy() - sample.warp_mat[:, 2], np.c_[np.linalg.inv(sample.warp_mat[:, :2]), np.zeros(2)]
        )
        assert np.abs(stored - truth.keypoints[kept][:, order]).max() < 2e-3
        relative = truth.keypoints_3d[..., 2] - truth.keypoints_3d[:, 2:3, 2]
        assert np.allclose(labels.relative_depths_mm.numpy(), relative[kept][:, order], atol=1e-2)
        assert (labels.relative_depths_mm[:, 2] == 0).all()
        assert (labels.relative_depths_weights == 1).all() and (labels.root_depths_weights == 1).all()


def kept_rows(results):
    """People of whom anything is on the network input, found with plain loops."""
    inverse = np.linalg.inv(np.vstack([results['warp_mat'], [0, 0, 1]]))
    height, width = results['img_shape']
    kept = []
    for points, box in zip(results['keypoints'], results['bbox']):
        anything = min(box[2], width - 0.5) > max(box[0], -0.5) and min(box[3], height - 0.5) > max(box[1], -0.5)
        for point in points:
            x, y, _ = inverse @ [*point, 1]
            on_input = -0.5 <= point[0] < width - 0.5 and -0.5 <= point[1] < height - 0.5
            stored_height, stored_width = results['ori_shape']
            anything |= on_input and -0.5 <= x < stored_width - 0.5 and -0.5 <= y < stored_height - 0.5
        kept.append(bool(anything))
    return np.array(kept)


@pytest.mark.parametrize('name', GEOMETRY)
def test_the_image_moves_with_the_labels(name):
    """A bright dot is found again where the map says it is."""
    np.random.seed(2)
    for dot in ((40, 30), (100, 77), (131, 20)):
        image = np.zeros((128, 160, 3), np.uint8)
        cv2.circle(image, dot, 6, (255, 255, 255), -1)
        results = dict(img=image, ori_shape=(128, 160))
        for transform in GEOMETRY[name]:
            if isinstance(transform, DASRandomAffine):
                transform = copy.deepcopy(transform)
                transform.border_bgr = (0, 0, 0)
            results = transform(results)
        grey = results['img'][..., 0].astype(float)
        x, y = warp_points(np.array(dot, dtype=float), results['warp_mat'])
        if 8 < x < grey.shape[1] - 8 and 8 < y < grey.shape[0] - 8 and name != 'everything':
            rows, columns = np.indices(grey.shape)
            assert (columns * grey).sum() / grey.sum() == pytest.approx(x, abs=0.1)
            assert (rows * grey).sum() / grey.sum() == pytest.approx(y, abs=0.1)


@pytest.mark.parametrize('factor', [0.13, 0.3, 0.5, 1.0, 2.0])
def test_warp_image_shrinks_without_aliasing(factor):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (400, 600, 3), dtype=np.uint8)
    warp = np.array([[factor, 0, 0.5 * factor - 0.5], [0, factor, 0.5 * factor - 0.5]])
    size = (round(600 * factor), round(400 * factor))
    out = warp_image(noise, warp, size, (0, 0, 0)).astype(float)
    assert out.shape[:2] == size[::-1]
    # averaging n pixels of white noise divides its spread by sqrt(n); point sampling would leave it
    spread = out[2:-2, 2:-2].std() / noise.std()
    assert spread < (1.6 * factor if factor < 0.5 else 1.01)
    ramp = np.repeat(np.linspace(0, 250, 600)[None, :, None], 400, axis=0).repeat(3, axis=2).astype(np.uint8)
    warped = warp_image(ramp, warp, size, (0, 0, 0))[size[1] // 2, :, 0].astype(float)
    columns = np.arange(size[0])[5:-5]
    expected = np.interp((columns + 0.5) / factor - 0.5, np.arange(600), np.linspace(0, 250, 600))
    assert np.abs(warped[columns] - expected).max() < 1.6  # a grey level is 2.4 px wide: nothing is shifted


def test_flip_twice_is_identity(toy):
    before = load(toy, 1)
    after = DASRandomFlip(prob=1.0)(DASRandomFlip(prob=1.0)(copy.deepcopy(before)))
    for key in ('keypoints', 'keypoints_flags', 'keypoints_3d', 'keypoints_3d_valid', 'bbox', 'img', 'root_px'):
        assert np.allclose(after[key], before[key]), key
    assert not after['flip'] and np.allclose(after['warp_mat'], [[1, 0, 0], [0, 1, 0]])
    assert np.allclose(after['input_K'], before['camera']['K'])


def test_ground_truth_is_left_alone(toy):
    np.random.seed(3)
    before = load(toy, 2)
    results = copy.deepcopy(before)
    for transform in GEOMETRY['everything']:
        results = transform(results)
    for key in ('bbox', 'keypoints', 'keypoints_flags', 'keypoints_3d', 'keypoints_3d_valid'):
        assert (results['gt'][key] == before['gt'][key]).all(), key
    assert (results['camera']['K'] == before['camera']['K']).all()


def test_randomness_is_numpys(toy):
    pipeline = [TRANSFORMS.build(step) for step in toy_pipeline(train=True)]

    def run(seed):
        np.random.seed(seed)
        results = toy.get_data_info(0)
        for step in pipeline:
            results = step(results)
        return results

    a, b, c = run(5), run(5), run(6)
    assert (a['inputs'] == b['inputs']).all() and (a['data_samples'].warp_mat == b['data_samples'].warp_mat).all()
    assert not np.allclose(a['data_samples'].warp_mat, c['data_samples'].warp_mat)


def test_augmentation_ranges():
    np.random.seed(0)
    image = np.zeros((50, 100, 3), np.uint8)
    transform = DASRandomAffine(input_size=(200, 100), max_rotation_rad=0.15)
    warps = [transform(dict(img=image))['warp_mat'] for _ in range(300)]
    factors = np.array([math.sqrt(np.linalg.det(warp[:, :2])) for warp in warps]) / 2
    angles = np.array([math.atan2(warp[1, 0], warp[0, 0]) for warp in warps])
    centres = np.stack([warp_points(np.array([49.5, 24.5]), warp) for warp in warps])
    assert 0.6 <= factors.min() < 0.65 and 1.35 < factors.max() <= 1.4
    assert -0.15 <= angles.min() < -0.13 and 0.13 < angles.max() <= 0.15
    shifts = (centres - [99.5, 49.5]) / [200, 100]
    assert np.abs(shifts).max() <= 0.3 + 1e-9 and 0.11 < shifts.std() < 0.17 and abs(shifts.mean()) < 0.02
    resize = DASResize(short_side_range=(60, 64), max_long_side=110)
    assert {resize(dict(img=image))['img_shape'] for _ in range(60)} == {(55, 110)}
    resize = DASResize(short_side_range=(60, 62))
    assert {resize(dict(img=image))['img_shape'] for _ in range(60)} == {(60, 120), (61, 122), (62, 124)}
    with pytest.raises(ValueError, match='either'):
        DASResize()


def pack(toy, transforms=(), index=0, **changes):
    results = load(toy, index)
    results.update(changes)
    for transform in transforms:
        results = transform(results)
    return results, PackDASInputs()(results)['data_samples'].gt_instance_labels


def inside(results):
    height, width = results['ori_shape']
    return ((results['keypoints'] >= -0.5) & (results['keypoints'] < [width - 0.5, height - 0.5])).all(-1)


def test_keypoints_off_the_image_are_not_supervised(toy):
    index = next(i for i in range(len(toy)) if not inside(load(toy, i)).all())
    results, labels = pack(toy, index=index)
    on_image = inside(results)
    assert on_image.any()
    assert (labels.keypoints_weights.numpy() == on_image).all()
    assert (labels.relative_depths_weights.numpy() == on_image).all()
    # zooming out brings them onto the canvas, but onto its border: still nothing to see there
    zoom_out = DASRandomAffine(input_size=(160, 128), scale_range=(0.4, 0.4), translate_sigma=0.0)
    zoomed, labels = pack(toy, [zoom_out], index)
    assert (inside(zoomed) & ~on_image).any()
    assert (labels.keypoints_weights.numpy() == on_image).all()
    results = zoom_out(load(toy, index))
    all_labels = PackDASInputs(supervise_outside=True)(results)['data_samples'].gt_instance_labels
    assert (all_labels.keypoints_weights == 1).all()


def test_who_is_a_target(toy):
    count = len(toy.get_data_info(0)['bbox'])
    _, labels = pack(toy)
    valid = labels.center_valid
    assert valid.any() and valid.dtype == torch.bool
    _, labels = pack(toy, iscrowd=np.ones(count, bool))
    assert not labels.center_valid.any() and len(labels) == count
    _, labels = pack(toy, is_valid=np.zeros(count, bool))
    assert not labels.center_valid.any() and len(labels) == count
    _, labels = pack(toy, root_flags=np.zeros(count, np.int8))
    assert not labels.center_valid.any() and len(labels) == count
    # a root just beyond the border of the input: a region to ignore; the whole person beyond it: nobody
    results = load(toy, 0)
    right = results['bbox'][:, 2].max()
    away = DASRandomAffine(input_size=(160, 128), scale_range=(1, 1), translate_sigma=0.0)
    away._draw = lambda: (1.0, np.array([-(right + 40) / 160, 0]), 0.0)
    _, labels = pack(toy, [away])
    assert len(labels) == 0 and labels.keypoints.shape == (0, 15, 2) and labels.relative_depths_mm.shape == (0, 15)


def test_unknown_depth_never_trains(toy):
    count = len(toy.get_data_info(0)['bbox'])
    camera = dict(K=None, R=None, T=None, dist=None, source='unknown')
    _, labels = pack(toy, GEOMETRY['everything'], camera=camera)
    assert (labels.root_depths_weights == 0).all() and (labels.root_depths_norm == 0).all()
    assert labels.relative_depths_weights.any()  # camera-space mm are known without K
    _, labels = pack(toy, root_depth_mm=np.full(count, np.nan, np.float32))
    assert (labels.root_depths_weights == 0).all() and (labels.relative_depths_weights == 0).all()
    _, labels = pack(toy, keypoints_3d_valid=np.zeros((count, 15), bool))
    assert (labels.relative_depths_weights == 0).all() and (labels.relative_depths_mm == 0).all()
    assert all(torch.isfinite(labels[key].float()).all() for key in labels.keys())


def test_photometric_output_is_packed_as_uint8(toy):
    distort = TRANSFORMS.build(
        dict(
            type='mmdet.PhotoMetricDistortion',
            brightness_delta=32,
            contrast_range=(0.7, 1.3),
            saturation_range=(0.7, 1.3),
            hue_delta=18,
        )
    )
    np.random.seed(0)
    for _ in range(8):
        results = distort(load(toy, 0))
        results['img'][0, 0] = -20.0, 300.0, 7.6
        inputs = PackDASInputs()(results)['inputs']
        assert inputs.dtype == torch.uint8 and inputs[:, 0, 0].tolist() == [0, 255, 8]


def test_an_image_without_annotations_packs():
    """What an inferencer feeds: pixels alone."""
    image = np.random.default_rng(0).integers(0, 256, (50, 80, 3), dtype=np.uint8)
    results = dict(img=image)
    for step in toy_pipeline((160, 128)):
        results = TRANSFORMS.build(step)(results)
    sample = results['data_samples']
    assert results['inputs'].shape == (3, 100, 160) and sample.img_shape == (100, 160) and sample.ori_shape == (50, 80)
    assert sample.input_K is None and 'gt_instances' not in sample
    assert np.allclose(sample.warp_mat, [[2, 0, 0.5], [0, 2, 0.5]])


def test_2d_and_3d_images_of_any_size_share_a_batch(tmp_path):
    """Synthetic 3D, COCO 2D and an image without people go through one data preprocessor."""
    sources = (
        ('a', write_toy_dataset(tmp_path / 'a', 2, people=(2, 2)), 'images', (160, 100)),
        ('b', write_toy_dataset(tmp_path / 'b', 2, people=(0, 0)), 'images', (96, 160)),
        ('c', write_toy_coco(tmp_path / 'c', 2, people=(1, 1)), 'toy2017', (128, 128)),
    )
    datasets = [
        DASDataset(
            ann_file=ann_file, data_root=str(tmp_path / root), data_prefix=dict(img=prefix), pipeline=toy_pipeline(size)
        )
        for root, ann_file, prefix, size in sources
    ]
    samples = [dataset[i] for dataset in datasets for i in range(2)]
    fields = {
        (
            frozenset(s['data_samples'].gt_instances.keys()),
            frozenset(s['data_samples'].gt_instance_labels.keys()),
            frozenset(s['data_samples'].metainfo_keys()),
        )
        for s in samples
    }
    assert len(fields) == 1
    preprocess = MODELS.build(
        dict(
            type='PoseDataPreprocessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
            pad_size_divisor=32,
        )
    )
    batch = preprocess(pseudo_collate(samples), training=True)
    assert batch['inputs'].shape == (6, 3, 128, 128) and batch['inputs'].dtype == torch.float32
    height, width = batch['data_samples'][0].img_shape
    assert (height, width) == (100, 125) and (batch['inputs'][0, :, height:] == 0).all()  # padded below and right
    assert (batch['inputs'][0, :, :, width:] == 0).all() and (batch['inputs'][0, :, :height, :width] != 0).any()
    depths = [sample.gt_instance_labels.root_depths_weights.sum().item() for sample in batch['data_samples']]
    assert depths == [2, 2, 0, 0, 0, 0]
    assert all(sample.gt_instance_labels.keypoints.shape[1:] == (15, 2) for sample in batch['data_samples'])


def test_transforms_are_found_from_mmpose():
    assert isinstance(MMPOSE_TRANSFORMS.build(dict(type='das_mm.DASRandomFlip')), DASRandomFlip)
    assert 'prob=0.5' in repr(DASRandomFlip()) and 'short_side_range=(512, 640)' in repr(
        DASRandomAffine(short_side_range=(512, 640))
    )
