"""Lenses, and the faults of the released code that must not come back (design notes on depth under augmentation)."""

import copy
import math

import cv2
import numpy as np
import pytest

from das_mm.datasets.datasets import DASDataset
from das_mm.datasets.transforms import CornerOrigin, DASRandomAffine, DASRandomFlip, DASResize, PackDASInputs, turn_lens
from das_mm.registry import TRANSFORMS
from das_mm.structures import project
from tests.toy import write_toy_dataset

from .test_das_transforms import GEOMETRY

STEPS = {**GEOMETRY, 'corner': [DASResize(input_size=(120, 120)), CornerOrigin(), DASRandomFlip(prob=1.0)]}
LENS = np.array([-0.21, 0.09, 0.013, -0.008, 0.02])


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    root = tmp_path_factory.mktemp('toy')
    ann_file = write_toy_dataset(root, num_images=4, people=(2, 3), seed=3)
    return DASDataset(ann_file=ann_file, data_root=str(root), data_prefix=dict(img='images'))


def load(dataset, index, dist=None):
    record = dataset.get_data_info(index)
    camera = record['camera']
    camera['K'], camera['dist'] = camera['K'] * [[1.0, 1, 1], [1, 1.03, 1], [1, 1, 1]], dist
    record['keypoints'] = project(record['keypoints_3d'].astype(float), camera['K'], dist)
    record['root_px'] = record['keypoints'][:, 2].copy()
    record['img'] = cv2.imread(record['img_path'])
    return record


def run(steps, results):
    for step in steps:
        results = step(results)
    return results


@pytest.mark.parametrize('name', STEPS)
def test_truth_stays_one_through_a_lens(toy, name):
    np.random.seed(0)
    for index in range(len(toy)):
        before = load(toy, index, LENS)
        straight = project(before['keypoints_3d'].astype(float), before['camera']['K'])
        assert np.abs(straight - before['keypoints']).max() > 1  # the lens matters
        after = run(STEPS[name], copy.deepcopy(before))
        seen = project(after['keypoints_3d'], after['input_K'], after['input_dist'])
        assert np.abs(seen - after['keypoints']).max() < 1e-3
        assert (before['camera']['dist'] == LENS).all()
    sample = PackDASInputs()(after)['data_samples']
    assert np.allclose(sample.input_dist, after['input_dist']) and (sample.camera['dist'] == LENS).all()


def test_a_lens_without_distortion_stays_none(toy):
    assert run(GEOMETRY['everything'], load(toy, 0))['input_dist'] is None


def test_turned_lens():
    """A quarter turn (x, y) -> (-y, x) and a mirror of the tangential terms, written out by hand."""
    k1, k2, p1, p2, k3 = LENS
    quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    assert np.allclose(turn_lens(LENS, quarter), [k1, k2, p2, -p1, k3])
    assert np.allclose(turn_lens(LENS, np.diag([-1.0, 1, 1])), [k1, k2, p1, -p2, k3])


def test_every_transform_is_proven():
    """A transform that moves pixels must be added to ``STEPS`` (or ``GEOMETRY``), over which the proofs run."""
    ours = {name for name, cls in TRANSFORMS.module_dict.items() if cls.__module__.startswith('das_mm.')}
    proven = {type(step).__name__ for steps in STEPS.values() for step in steps}
    still = {'LoadImage', 'PackDASInputs', 'AddMeshLabels', 'AddPreviousFrame'}  # these move nothing of this frame
    without_depth = {'PeopleMosaic'}  # made of proven ones, for images without a camera
    crops = {'PersonCrop', 'PackPersonInputs'}  # of one person, root-relative: test_person_view.py
    masks = {'AddInstanceMap'}  # follows the warp of those before it: test_instance_map.py
    assert ours - proven <= still | without_depth | crops | masks
    assert proven <= ours


def test_colours_leave_geometry_alone(toy):
    distort = TRANSFORMS.build(dict(type='mmdet.PhotoMetricDistortion', brightness_delta=32, hue_delta=18))
    before = DASResize(input_size=(200, 100))(load(toy, 0))
    after = distort(copy.deepcopy(before))
    assert (after['img'] != before['img']).any()
    for key in ('keypoints', 'keypoints_3d', 'bbox', 'root_px', 'root_depth_mm', 'input_K', 'warp_mat'):
        assert (after[key] == before[key]).all(), key


@pytest.mark.parametrize('factor', [0.5, 0.8, 1.0, 1.4])
def test_scale_divides_every_roots_depth_and_no_other(toy, factor):
    """The released code multiplied the joints' depths of the first person, and read depths from another column."""
    zoom = DASRandomAffine(input_size=(160, 128), scale_range=(factor, factor), translate_sigma=0.0)
    for index in range(len(toy)):
        before = PackDASInputs(supervise_outside=True)(load(toy, index))['data_samples'].gt_instance_labels
        after = PackDASInputs(supervise_outside=True)(zoom(load(toy, index)))['data_samples'].gt_instance_labels
        assert len(before) == len(after) >= 2
        assert np.allclose(after.root_depths_norm, before.root_depths_norm / factor, rtol=1e-5)
        assert (after.relative_depths_mm == before.relative_depths_mm).all()


@pytest.mark.parametrize(
    'steps',
    [
        [DASRandomFlip(prob=1.0)],
        [DASRandomAffine(input_size=(160, 128), scale_range=(1, 1), translate_sigma=0.0, max_rotation_rad=0.4)],
    ],
)
def test_mirror_and_turn_leave_depths_alone(toy, steps):
    np.random.seed(1)
    before = PackDASInputs(supervise_outside=True)(load(toy, 0))['data_samples'].gt_instance_labels
    after = PackDASInputs(supervise_outside=True)(run(steps, load(toy, 0)))['data_samples'].gt_instance_labels
    assert np.allclose(after.root_depths_norm, before.root_depths_norm, rtol=1e-5)
    assert np.allclose(after.relative_depths_mm.sort().values, before.relative_depths_mm.sort().values, atol=1e-2)


def test_normalised_depth_is_z_over_f(toy):
    """By hand: f = sqrt(fx·fy) of the stored image, times the scale of the map."""
    zoom = DASRandomAffine(input_size=(160, 128), scale_range=(0.7, 0.7), translate_sigma=0.0)
    results = zoom(load(toy, 1))
    K = results['camera']['K']
    labels = PackDASInputs(supervise_outside=True)(results)['data_samples'].gt_instance_labels
    assert np.allclose(
        labels.root_depths_norm, results['keypoints_3d'][:, 2, 2] / (0.7 * math.sqrt(K[0, 0] * K[1, 1])), rtol=1e-5
    )


def test_few_people_and_few_keypoints_are_learnt(toy):
    """The released code drops images with fewer than six visible joints, or fewer than two people left."""
    results = load(toy, 0)
    results['keypoints_flags'][:] = 0
    results['keypoints_flags'][0, 2:5] = 2
    labels = PackDASInputs(supervise_outside=True)(results)['data_samples'].gt_instance_labels
    assert labels.keypoints_weights.sum() == 3 and labels.center_valid[0]
    # people leave to the left, one after the other
    counts = set()
    for index in range(len(toy)):
        for shift in np.linspace(0, -1, 21):
            away = DASRandomAffine(input_size=(160, 128), scale_range=(1, 1), translate_sigma=0.0)
            away._draw = lambda: (1.0, np.array([shift, 0]), 0.0)
            counts.add(len(PackDASInputs()(away(load(toy, index)))['data_samples'].gt_instance_labels))
    assert counts == {0, 1, 2, 3}
