"""Records, augmentation and the mixture of Human3.6M and MPII; metrics as the authors compute them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset

from das_mm.errors import UserError
from das_mm.structures.keypoint_sets import get_keypoint_set
from projects.rle.rle.datasets import PersonKeypointDataset, PhotographHalfSampler, SyntheticPoseDataset
from projects.rle.rle.keypoint_tables import carry_over
from projects.rle.rle.metrics import ConfidenceCorrelation, RegressedH36MError
from projects.rle.rle.metrics.confidence_correlation import pearson
from projects.rle.rle.transforms import ChannelJitter, CropJitter, NoiseRectangle, PackLiftingInputs, PersonBox
from projects.rle.tests.people_files import CAMERA, write_people


def dataset(root, keypoint_set: str, **kwargs) -> PersonKeypointDataset:
    return PersonKeypointDataset(
        ann_file=str(root / 'people.json'), data_prefix=dict(img=str(root)), keypoint_set=keypoint_set, **kwargs
    )


@pytest.fixture(scope='module')
def h36m(tmp_path_factory):
    root = tmp_path_factory.mktemp('h36m')
    write_people(root, 'h36m17', with_depth=True)
    return root


def test_people_with_depths(h36m):
    people = dataset(h36m, 'h36m18', source_keypoint_set='h36m17', with_depth=True)
    record, stored = people.get_data_info(0), json.loads((h36m / 'people.json').read_text())['annotations'][0]
    space = np.array(stored['keypoints_3d'])
    assert record['keypoints'].shape == (1, 18, 3) and (record['keypoints_visible'] == 1).all()
    np.testing.assert_allclose(record['keypoints'][0, :17, 2], space[:, 2] - space[0, 2], atol=1e-3)
    left, right = (get_keypoint_set('h36m17').index(f'{side}_shoulder') for side in ('left', 'right'))
    np.testing.assert_allclose(record['keypoints_cam_mm'][17], (space[left] + space[right]) / 2)
    assert record['root_depth_mm'] == space[0, 2] and np.array_equal(record['camera_matrix'], CAMERA)
    assert people.metainfo['keypoint_set'] == 'h36m18' and people.metainfo['flip_indices'][17] == 17


def test_photographs_in_the_mixture(tmp_path):
    write_people(tmp_path, 'mpii16')
    record = dataset(tmp_path, 'h36m18', source_keypoint_set='mpii16').get_data_info(0)
    names = get_keypoint_set('h36m18').keypoints
    seen = dict(zip(names, record['keypoints_visible'][0]))
    assert seen['spine'] == seen['jaw'] == seen['left_wrist'] == 0  # MPII's last was not labelled
    assert seen['thorax'] == seen['neck'] == seen['head_h36m'] == 1 and record['keypoints'].shape == (1, 18, 2)
    values = np.arange(16.0)[:, None]
    carried = carry_over('mpii16', 'h36m18', values)[:, 0]
    # the table of the released code, -1 where MPII has none
    table = [6, 2, 1, 0, 3, 4, 5, -1, 8, -1, 9, 13, 14, 15, 12, 11, 10, 7]
    np.testing.assert_array_equal(np.nan_to_num(carried, nan=-1), table)


def test_an_epoch_is_twice_the_first_set(h36m):
    people = dataset(h36m, 'h36m17')
    sampler = PhotographHalfSampler(ConcatDataset([people, people]), seed=0)
    first = list(sampler)
    assert len(first) == len(sampler) == 12 and sorted(i for i in first if i < 6) == list(range(6))
    assert len([i for i in first if i >= 6]) == 6
    sampler.set_epoch(1)
    assert first != list(sampler)
    with pytest.raises(UserError, match='two sets'):
        PhotographHalfSampler(people)


def test_augmentation_draws():
    np.random.seed(0)
    record = lambda: dict(bbox_scale=np.ones((1, 2)))
    for law, limit in (('uniform', 45), ('normal', 90)):
        drawn = [CropJitter(0.25, 45, 0.5, law).transform(record()) for _ in range(400)]
        sizes = np.array([one['bbox_scale'][0, 0] for one in drawn])
        angles = np.array([one['bbox_rotation'][0] for one in drawn])
        assert 0.75 <= sizes.min() < 0.8 and 1.2 < sizes.max() <= 1.25
        assert 0.4 < (angles == 0).mean() < 0.6 and abs(angles).max() <= limit
        assert (sizes == 1.25).any() == (law == 'normal')  # clipped, not drawn anew

    image = np.full((100, 80, 3), 7, np.uint8)
    changed = []
    for _ in range(50):
        out = NoiseRectangle(0.7).transform(dict(img=image, bbox=np.array([[20.0, 10.0, 60.0, 90.0]])))['img']
        rows, columns = np.nonzero((out != 7).any(axis=2))
        assert len(rows) > 0.9 * (np.ptp(rows) + 1) * (np.ptp(columns) + 1)  # one rectangle
        changed.append((out != 7).any(axis=2).sum() / 3200)
    assert 0.2 < np.mean(changed) < 0.5 and max(changed) <= 0.7 and (image == 7).all()
    gains = ChannelJitter(0.2).transform(dict(img=np.full((1, 1, 3), 100.0)))['img'][0, 0] / 100
    assert (abs(gains - 1) <= 0.2).all() and len(set(gains)) == 3


@pytest.mark.parametrize('box', [[200, 10, 220, 40], [10, 10, 10, 40], [np.nan, 0, 5, 5], [-30, 0, -2, 50]])
def test_boxes_outside(box):
    with pytest.raises(UserError, match='nothing of the image of 160×120'):
        PersonBox().transform(dict(bbox=np.array([box], np.float64), img_shape=(120, 160), img_path='a.png'))


def test_crop_is_the_box_times_the_padding():
    results = PersonBox(padding=1.0).transform(dict(bbox=np.array([[10.0, 20, 50, 100]]), img_shape=(120, 160)))
    assert results['bbox_scale'].tolist() == [[40, 80]] and results['bbox_center'].tolist() == [[30, 60]]


def test_lifting_inputs(h36m):
    people = dataset(h36m, 'h36m17', with_depth=True)
    record = people.get_data_info(0)
    packed = PackLiftingInputs().transform(dict(record))
    labels = packed['data_samples'].gt_instance_labels
    space = record['keypoints_cam_mm']
    np.testing.assert_allclose(labels.keypoint_labels[0], (space - space[0]) / 1000, atol=1e-6)
    assert labels.keypoint_weights[0, 0].sum() == 0 and labels.keypoint_weights[0, 1:].all()
    x, y = record['keypoints'][0, 3, :2]
    np.testing.assert_allclose(packed['inputs'].reshape(-1, 2)[3], [2 * x / 160 - 1, 2 * y / 160 - 0.75], atol=1e-6)
    flipped = PackLiftingInputs(flip_prob=1.0).transform(dict(record))
    left = get_keypoint_set('h36m17').flip_indices[3]
    np.testing.assert_allclose(flipped['inputs'].reshape(-1, 2)[left, 0], -packed['inputs'].reshape(-1, 2)[3, 0])
    record.pop('keypoints_cam_mm')
    with pytest.raises(UserError, match='no visible joint'):
        PackLiftingInputs().transform(record)


def test_synthetic_poses():
    people = SyntheticPoseDataset(8, seed=3, pipeline=[dict(type='das_mm.PackLiftingInputs')])
    space = np.stack([people.get_data_info(i)['keypoints_cam_mm'] for i in range(8)])
    head, feet = (get_keypoint_set('smpl24').index(name) for name in ('smpl_head', 'left_ankle'))
    assert (space[..., 2] > 2000).all() and (space[:, head, 1] < space[:, feet, 1]).mean() > 0.7  # y looks down
    again = SyntheticPoseDataset(8, seed=3).get_data_info(5)
    np.testing.assert_array_equal(again['keypoints_cam_mm'], space[5])
    assert people[0]['inputs'].shape == (48,) and not np.allclose(
        SyntheticPoseDataset(8, seed=4)[0]['bbox'], again['bbox']
    )


def test_files_that_do_not_fit(tmp_path, h36m):
    with pytest.raises(UserError, match='17 keypoints, and mpii16'):
        dataset(h36m, 'mpii16').full_init()
    content = json.loads((h36m / 'people.json').read_text())
    for person in content['annotations']:
        person.update(num_keypoints=0, keypoints=[0] * 51)
    (tmp_path / 'people.json').write_text(json.dumps(content))
    with pytest.raises(UserError, match='no person of it has a box and a labelled keypoint'):
        dataset(tmp_path, 'h36m17').full_init()


def h36m_sample(action: str, subject: int, pred: np.ndarray, true: np.ndarray) -> dict:
    name = f'S{subject}_{action}_1.60457274/x_000001.jpg'
    return dict(img_path=name, keypoints_cam_mm=true, pred_instances=dict(keypoints_3d=pred[None]))


def test_h36m_error():
    rng = np.random.default_rng(0)
    true = rng.normal(0, 300, (18, 3)) + [0, 0, 4000]
    shifted = true + [50.0, 0, 0]  # the root is subtracted
    off = true.copy()
    off[1] += [17.0, 0, 0]
    off[17] += [900.0, 0, 0]  # the thorax does not count
    metric = RegressedH36MError(protocol=2)
    metric.process({}, [h36m_sample('Walking', 9, shifted, true), h36m_sample('Eating', 11, off, true)])
    metric.process({}, [h36m_sample('Eating', 5, off + rng.normal(0, 99, off.shape), true)])  # not of the protocol
    numbers = metric.compute_metrics(metric.results)
    assert numbers['mpjpe_Walking_mm'] == pytest.approx(0, abs=1e-6)
    assert numbers['mpjpe_Eating_mm'] == pytest.approx(1) and numbers['mpjpe_mm'] == pytest.approx(0.5)
    scaled = RegressedH36MError(protocol='all')
    scaled.process({}, [h36m_sample('Walking', 9, 1.1 * true, true)])
    numbers = scaled.compute_metrics(scaled.results)
    assert numbers['pa_mpjpe_mm'] == pytest.approx(0, abs=1e-6) and numbers['mpjpe_mm'] > 10
    one = RegressedH36MError(protocol=1)
    one.process({}, [h36m_sample('Walking', 9, off, true)])
    assert np.isnan(one.compute_metrics(one.results)['mpjpe_mm'])
    with pytest.raises(UserError, match='true or a predicted position'):
        metric.process({}, [dict(img_path='a', pred_instances={})])


def test_correlation_of_confidence_and_oks():
    assert pearson(np.array([0.1, 0.5, 0.9]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1)
    assert np.isnan(pearson(np.ones(4), np.arange(4.0)))  # no σ, no correlation
    metric = ConfidenceCorrelation()
    metric.dataset_meta = dict(sigmas=[0.1, 0.1])
    truth = dict(keypoints=[10, 10, 2, 30, 10, 0], area=400.0, bbox=[0, 0, 20, 20])
    for distance, score in ((0, 0.9), (3, 0.5), (6, 0.1)):
        found = dict(keypoints=np.array([[[10.0 + distance, 10], [0, 0]]]), keypoint_scores=np.full((1, 2), score))
        metric.process({}, [dict(raw_ann_info=truth, pred_instances=found)])
    nobody = dict(raw_ann_info=dict(truth, keypoints=[0] * 6), pred_instances=found)
    metric.process({}, [nobody])
    numbers = metric.compute_metrics(metric.results)
    oks = np.exp(-np.array([0, 9, 36]) / (2 * 0.2**2 * 400))
    assert len(metric.results) == 3 and numbers['mean_oks'] == pytest.approx(oks.mean())
    assert numbers['pearson'] == pytest.approx(np.corrcoef([0.9, 0.5, 0.1], oks)[0, 1])
    assert numbers['mean_error'] == pytest.approx(3 / 20)
    with pytest.raises(UserError, match='no person has a labelled keypoint'):
        metric.compute_metrics([])
