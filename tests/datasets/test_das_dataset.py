"""Records in the set that is learnt, official COCO files, unreadable images, mixing, and mmpose's CocoMetric."""

import json
import logging
import os

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, pseudo_collate
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from mmpose.evaluation.metrics import CocoMetric
from torch.utils.data import DataLoader

from das_mm.datasets.datasets import DASDataset, image_fault, looks_complete
from das_mm.errors import UserError
from das_mm.registry import DATASETS
from das_mm.structures import KEYPOINT_SETS, project, to_mmpose_metainfo
from tests.toy import toy_pipeline, write_toy_coco, write_toy_dataset


def build(root, ann_file='annotations.json', prefix='images', **options):
    options.setdefault('pipeline', toy_pipeline())
    return DASDataset(ann_file=ann_file, data_root=str(root), data_prefix=dict(img=prefix), **options)


def build_coco(root, **options):
    return build(root, 'annotations/person_keypoints_toy2017.json', 'toy2017', **options)


@pytest.fixture
def toy(tmp_path):
    write_toy_dataset(tmp_path, num_images=6, people=(1, 3))
    return tmp_path


@pytest.fixture
def warnings_of(monkeypatch):
    """Warnings that the dataset gives to mmengine's current logger."""
    messages = []
    for module in ('das_dataset', 'fault_tolerant_dataset'):
        monkeypatch.setattr(
            f'das_mm.datasets.datasets.{module}.print_log',
            lambda message, logger, level: level == logging.WARNING and messages.append(message),
        )
    return messages


# records


def test_record(toy):
    dataset = build(toy)
    content = json.loads((toy / 'annotations.json').read_text())
    assert len(dataset) == 6
    for index, image in enumerate(content['images']):
        people = [a for a in content['annotations'] if a['image_id'] == image['id']]
        record = dataset.get_data_info(index)
        assert record['img_path'] == str(toy / 'images' / image['file_name']) and record['img_id'] == image['id']
        assert record['id'] == [a['id'] for a in people] == record['ann_id'].tolist()
        assert record['ori_shape'] == (128, 160) and record['dataset_name'] == 'toy' and record['has_3d']
        K = record['camera']['K']
        assert record['camera']['source'] == 'annotation' and np.allclose(K, image['cam_param']['K'])
        assert np.allclose(record['keypoints_3d'], [a['keypoints_3d'] for a in people], atol=1e-2)
        assert np.allclose(record['root_depth_mm'], [a['root_depth'] for a in people])
        assert np.allclose(project(record['keypoints_3d'].astype(float), K), record['keypoints'], atol=1e-3)
        triples = np.array([a['keypoints'] for a in people]).reshape(-1, 15, 3)
        assert np.allclose(record['keypoints'], triples[..., :2], atol=1e-4)
        assert (record['keypoints_flags'] == triples[..., 2]).all()
        assert record['seq'] == 'toy' and record['frame'] == image['id'] and (record['smpl_row'] == -1).all()
        raw = record['raw_ann_info']
        assert [r['bbox'] for r in raw] == [a['bbox'] for a in people] and raw[0]['num_keypoints'] == 15


def test_metainfo(toy):
    meta = build(toy, keypoint_set='panoptic15').metainfo
    assert meta['keypoint_set'] == 'panoptic15' and meta['num_keypoints'] == 15 and len(meta['sigmas']) == 15
    assert meta['flip_indices'] == list(KEYPOINT_SETS['panoptic15'].flip_indices)
    assert build(toy, metainfo=dict(dataset_name='mine')).metainfo['dataset_name'] == 'mine'
    with pytest.raises(UserError, match='unknown keypoint set'):
        build(toy, keypoint_set='panoptic')


@pytest.mark.parametrize(
    'stored, learnt, root',
    [
        ('muco21', 'panoptic15', ['pelvis']),
        ('coco17', 'panoptic15', ['left_hip', 'right_hip']),
        ('panoptic15', 'coco17', ['left_hip', 'right_hip']),
        ('h36m17', 'muco21', ['pelvis']),
        ('coco17', 'muco21', ['left_hip', 'right_hip']),
    ],
)
def test_conversion_keeps_2d_and_3d_together(tmp_path, stored, learnt, root):
    write_toy_dataset(tmp_path, num_images=3, people=(2, 2), keypoint_set=stored)
    content = json.loads((tmp_path / 'annotations.json').read_text())
    content['images'][1]['cam_param']['dist'] = [-0.2, 0.1, 1e-3, -1e-3, 0.0]
    for annotation in content['annotations']:
        if annotation['image_id'] == 2:
            camera = content['images'][1]['cam_param']
            points = project(np.array(annotation['keypoints_3d']), np.array(camera['K']), np.array(camera['dist']))
            annotation['keypoints'] = np.c_[points, np.full(len(points), 2)].ravel().tolist()
    (tmp_path / 'annotations.json').write_text(json.dumps(content))
    dataset, source, target = build(tmp_path, keypoint_set=learnt), KEYPOINT_SETS[stored], KEYPOINT_SETS[learnt]
    for index in range(3):
        record = dataset.get_data_info(index)
        camera, valid = record['camera'], record['keypoints_3d_valid']
        assert ((record['keypoints_flags'] > 0) == valid).all() and valid.any()
        seen = project(record['keypoints_3d'][valid].astype(float), camera['K'], camera['dist'])
        assert np.abs(seen - record['keypoints'][valid]).max() < 1e-3  # derived keypoints included
        people = [a for a in content['annotations'] if a['image_id'] == record['img_id']]
        for n, person in enumerate(people):
            stored_3d = np.array(person['keypoints_3d'])
            middle = np.mean([stored_3d[source.index(name)] for name in root], axis=0)
            assert record['root_depth_mm'][n] == pytest.approx(middle[2], abs=1e-2)
            assert np.allclose(record['root_px'][n], project(middle, camera['K'], camera['dist']), atol=1e-3)
            for name in ('left_wrist', 'right_knee'):
                read_3d = record['keypoints_3d'][n, target.index(name)]
                assert np.allclose(read_3d, stored_3d[source.index(name)], atol=1e-2)


def test_images_marked_2d_only_keep_their_depth_to_themselves(toy):
    content = json.loads((toy / 'annotations.json').read_text())
    content['images'][0]['has_3d'] = False
    (toy / 'annotations.json').write_text(json.dumps(content))
    record = build(toy).get_data_info(0)
    assert not record['has_3d'] and not record['keypoints_3d_valid'].any() and np.isnan(record['root_depth_mm']).all()
    assert (record['keypoints_flags'] > 0).all() and record['camera']['K'] is not None


def test_official_coco_as_it_is(tmp_path):
    write_toy_coco(tmp_path, people=(1, 3))
    native, panoptic = build_coco(tmp_path, keypoint_set='coco17'), build_coco(tmp_path)
    with_neck = build_coco(tmp_path, derive_neck=True)
    record = native.get_data_info(0)
    assert record['camera'] == dict(K=None, R=None, T=None, dist=None, source='unknown') and not record['has_3d']
    assert record['dataset_name'] == 'person_keypoints_toy2017' and not record['keypoints_3d_valid'].any()
    assert record['iscrowd'].sum() == 1 and (record['keypoints_flags'].sum(axis=1) == 0).sum() == 2
    hips = record['keypoints_flags'][:, 11:13].min(axis=1)
    assert (record['root_flags'] == hips).all()
    assert np.allclose(record['root_px'][hips > 0], record['keypoints'][hips > 0][:, 11:13].mean(axis=1))
    converted = panoptic.get_data_info(0)
    assert np.allclose(converted['keypoints'][:, 1], record['keypoints'][:, 0])
    assert (converted['keypoints_flags'][:, 0] == 0).all()
    assert (with_neck.get_data_info(0)['keypoints_flags'][:, 0] > 0).any()
    for dataset in (native, panoptic):
        for index in range(len(dataset)):
            labels = dataset[index]['data_samples'].gt_instance_labels
            assert (labels.root_depths_weights == 0).all() and (labels.relative_depths_weights == 0).all()
        labels = dataset[0]['data_samples'].gt_instance_labels
        # the crowd and the unlabelled are there, to be ignored
        assert len(labels) >= 3 and labels.center_valid.sum() == (hips > 0).sum()


def test_lazy_init_indices_filter_and_subset(tmp_path):
    write_toy_dataset(tmp_path, num_images=10, people=(0, 1), seed=1)
    dataset = build(tmp_path, lazy_init=True)
    assert dataset.metainfo['num_keypoints'] == 15 and dataset.skipped == [] and not dataset._fully_initialized
    dataset.full_init()
    assert len(list(dataset)) == 10  # iteration ends
    counts = [len(dataset.get_data_info(i)['bbox']) for i in range(10)]
    assert len(dataset) == 10 and 0 in counts
    filtered = build(tmp_path, filter_cfg=dict(filter_empty_gt=True))
    assert len(filtered) == sum(count > 0 for count in counts)
    assert len(build(tmp_path, indices=4)) == 4 and len(build(tmp_path, serialize_data=False)) == 10
    subset = dataset.get_subset([3, 3, 5])
    assert len(subset) == 3 and subset[2]['data_samples'].img_id == 6 and subset.skipped == []
    empty = dataset[counts.index(0)]['data_samples']
    assert len(empty.gt_instances) == 0 and len(empty.gt_instance_labels) == 0
    write_toy_dataset(tmp_path, num_images=2, people=(0, 0))
    with pytest.raises(UserError, match='no image is left'):
        build(tmp_path, filter_cfg=dict(filter_empty_gt=True))


def test_a_number_of_images_spread_evenly(tmp_path):
    write_toy_dataset(tmp_path, num_images=10)
    rows = lambda wanted: [record['img_id'] for record in build(tmp_path, filter_cfg=dict(num_images=wanted)).data_list]
    everything = rows(10)
    assert rows(5) == everything[::2] and rows(3) == [everything[i] for i in (0, 3, 6)] and rows(1) == everything[:1]
    assert rows(99) == everything
    for bad in (0, 2.5, True, 'all'):
        with pytest.raises(UserError, match=r'filter_cfg\.num_images: .* is no number of images'):
            build(tmp_path, filter_cfg=dict(num_images=bad))


def test_pipeline_is_found_under_any_scope(toy):
    pipeline = [dict(type='LoadImage'), dict(type='DASResize', input_size=(160, 128)), dict(type='PackDASInputs')]
    for scope in ('mmpose', 'das_mm', 'mmengine'):
        with DefaultScope.overwrite_default_scope(scope):
            assert build(toy, pipeline=pipeline)[0]['inputs'].shape == (3, 128, 160)
    with DefaultScope.overwrite_default_scope('mmpose'):
        dataset = DATASETS.build(
            dict(
                type='das_mm.DASDataset',
                ann_file=str(toy / 'annotations.json'),
                data_prefix=dict(img=str(toy / 'images')),
            )
        )
        assert isinstance(dataset, DASDataset)


# unreadable images


def spoil(root, number, how):
    path = root / 'images' / f'{number:06d}.png'
    data = path.read_bytes()
    if how == 'missing':
        path.unlink()
    elif how == 'resized':
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (80, 64)))
    else:
        path.write_bytes(
            dict(
                empty=b'',
                text=b'<html>404</html>',
                cut=data[: len(data) // 2],
                scrambled=data[:60] + bytes(2000) + data[-30:],
            )[how]
        )
    return str(path)


@pytest.mark.parametrize(
    'how, told',
    [
        ('missing', 'does not exist'),
        ('empty', 'cannot be decoded'),
        ('text', 'no known image format'),
        ('cut', 'cannot be decoded'),
        ('scrambled', 'cannot be decoded'),
        ('resized', 'is 80x64 px'),
    ],
)
def test_training_skips_an_unreadable_image_once(toy, warnings_of, how, told):
    dataset = build(toy)
    path = spoil(toy, 3, how)
    for _ in range(2):  # epochs
        ids = [dataset[i]['data_samples'].img_id for i in range(6)]
        assert ids == [1, 2, 4, 4, 5, 6]  # the next one takes its place
    assert dataset.skipped == [path]
    assert len(warnings_of) == 1 and path in warnings_of[0] and told in warnings_of[0] and '1 of 6' in warnings_of[0]


def test_the_last_image_is_followed_by_the_first(toy, warnings_of):
    dataset = build(toy)
    spoil(toy, 6, 'cut')
    spoil(toy, 1, 'missing')
    assert dataset[5]['data_samples'].img_id == 2 and dataset[-1]['data_samples'].img_id == 2
    assert len(dataset.skipped) == len(warnings_of) == 2


def test_all_images_unreadable(toy, warnings_of):
    datasets = build(toy), build(toy, max_skipped=2)
    for number in range(1, 7):
        spoil(toy, number, 'cut')
    with pytest.raises(UserError, match='(?s)annotations.json: not one image can be read.*data_prefix.*000001.png'):
        datasets[0][0]
    with pytest.raises(UserError, match='(?s)000003.png: 3 images cannot be read.*cannot be decoded.*max_skipped'):
        datasets[1][0]


def test_workers_share_what_they_found(toy):
    dataset = build(toy)
    spoil(toy, 2, 'cut')
    spoil(toy, 5, 'missing')
    batches = list(DataLoader(dataset, batch_size=2, num_workers=2, collate_fn=pseudo_collate))
    ids = [sample.img_id for batch in batches for sample in batch['data_samples']]
    assert ids == [1, 3, 3, 4, 6, 6]
    assert [os.path.basename(path) for path in dataset.skipped] == ['000002.png', '000005.png']


def test_faults_of_the_pipeline_are_not_hidden(toy):
    def broken(results):
        raise RuntimeError('a bug, not an image')

    dataset = build(toy, pipeline=[dict(type='LoadImage'), broken])
    with pytest.raises(RuntimeError, match='a bug'):
        dataset[0]
    assert dataset.skipped == []


def test_a_pipeline_may_decline_a_sample(toy):
    dataset = build(toy, pipeline=[lambda results: results if results['img_id'] % 3 == 0 else None])
    assert [dataset[i]['img_id'] for i in range(6)] == [3, 3, 3, 6, 6, 6] and dataset.skipped == []


@pytest.mark.parametrize('how', ['missing', 'cut', 'resized'])
def test_testing_replaces_nothing(toy, warnings_of, how):
    path = spoil(toy, 3, how)
    dataset = build(toy, test_mode=True)
    samples = [dataset[i] for i in (*range(6), 2)]
    assert [sample['data_samples'].img_id for sample in samples] == [1, 2, 3, 4, 5, 6, 3]
    blank = samples[2]['data_samples']
    assert len(blank.gt_instances) > 0 and 'image_fault' in blank and 'image_fault' not in samples[0]['data_samples']
    assert samples[2]['inputs'].shape == (3, 128, 160) and len(torch.unique(samples[2]['inputs'])) <= 3
    assert dataset.skipped == [path] and len(warnings_of) == 1 and path in warnings_of[0]
    with pytest.raises(UserError, match='000003.png'):
        build(toy, test_mode=True, strict=True)[2]


def test_a_cut_jpeg_is_noticed_and_a_long_tail_is_not_a_fault(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    path = str(tmp_path / 'a.jpg')
    cv2.imwrite(path, image)
    whole = open(path, 'rb').read()
    assert looks_complete(path) and image_fault(path) is None
    for share in (0.3, 0.7, 0.99):
        with open(path, 'wb') as stream:
            stream.write(whole[: int(len(whole) * share)])
        assert cv2.imread(path) is not None  # OpenCV says nothing
        assert not looks_complete(path) and 'truncated' in image_fault(path)
    with open(path, 'wb') as stream:
        stream.write(whole + bytes(100_000))  # a phone's motion picture
    assert not looks_complete(path) and image_fault(path) is None


# mixing


def test_concat_and_combined_datasets(toy, tmp_path):
    write_toy_coco(tmp_path / 'coco')
    coco = dict(
        type='das_mm.DASDataset',
        ann_file='annotations/person_keypoints_toy2017.json',
        data_root=str(tmp_path / 'coco'),
        data_prefix=dict(img='toy2017'),
    )
    ours = dict(
        type='das_mm.DASDataset', ann_file='annotations.json', data_root=str(toy), data_prefix=dict(img='images')
    )
    both = ConcatDataset([DATASETS.build(dict(cfg, pipeline=toy_pipeline(train=True))) for cfg in (ours, coco)])
    assert len(both) == 12 and both.metainfo['num_keypoints'] == 15
    batch = pseudo_collate([both[i] for i in range(12)])
    assert [sample.has_3d for sample in batch['data_samples']] == [True] * 6 + [False] * 6
    assert torch.stack(batch['inputs']).shape == (12, 3, 128, 160)
    # mmpose's way: augment each source by its own rules, pack together, set the ratio of the sources
    with DefaultScope.overwrite_default_scope('das_mm'):
        combined = DATASETS.build(
            dict(
                type='CombinedDataset',
                metainfo=to_mmpose_metainfo('panoptic15'),
                pipeline=[dict(type='PackDASInputs')],
                datasets=[dict(cfg, pipeline=toy_pipeline(train=True)[:-1]) for cfg in (ours, coco)],
                sample_ratio_factor=[1.0, 0.5],
            )
        )
    assert len(combined) == 9
    assert [combined[i]['data_samples'].has_3d for i in range(9)] == [True] * 6 + [False] * 3


# mmpose's CocoMetric


def predictions_of(dataset, noise_px=0.0, seed=0):
    """Evaluator-like samples whose predictions are the truth (plus noise) of everyone with labelled keypoints."""
    rng, samples = np.random.default_rng(seed), []
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        truth = sample.gt_instances
        truth = truth[np.flatnonzero(~truth.iscrowd & (truth.keypoints_visible.sum(axis=1) > 0))]
        keypoints = truth.keypoints + rng.normal(0, 1, truth.keypoints.shape) * noise_px
        sample.pred_instances = InstanceData(
            keypoints=keypoints,
            keypoint_scores=np.ones(keypoints.shape[:2]),
            bboxes=truth.bboxes,
            bbox_scores=np.ones(len(truth)),
        )
        samples.append(sample.to_dict())
    return samples


@pytest.mark.parametrize('keypoint_set', ['panoptic15', 'coco17'])
def test_coco_metric_reads_the_truth_from_the_samples(tmp_path, keypoint_set):
    write_toy_coco(tmp_path, people=(1, 3))
    dataset = build_coco(tmp_path, keypoint_set=keypoint_set, test_mode=True)
    scores = {}
    for noise_px in (0.0, 8.0):
        metric = CocoMetric(nms_mode='none', score_mode='bbox')
        metric.dataset_meta = dataset.metainfo
        metric.process([], predictions_of(dataset, noise_px))
        scores[noise_px] = metric.evaluate(len(dataset))['coco/AP']
    assert scores[0.0] == pytest.approx(1.0) and scores[8.0] < 0.8


def test_coco_metric_with_the_official_file(tmp_path):
    ann_file = write_toy_coco(tmp_path, people=(1, 3))
    dataset = build_coco(tmp_path, keypoint_set='coco17', test_mode=True)
    metric = CocoMetric(ann_file=ann_file, nms_mode='none', score_mode='bbox')
    metric.dataset_meta = dataset.metainfo
    metric.process([], predictions_of(dataset))
    assert metric.evaluate(len(dataset))['coco/AP'] == pytest.approx(1.0)
