"""Frames with the frame before them: neighbours, the same augmentation for both, what is learnt of who moved."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from das_mm.datasets.datasets.frame_pairs import DASVideoDataset
from das_mm.datasets.samplers.sequence_sampler import SequenceSampler
from das_mm.datasets.transforms import AddPreviousFrame, DASRandomAffine, DASRandomFlip, PackDASInputs
from das_mm.structures import KEYPOINT_SETS, warp_points
from tests.toy import write_toy_dataset

LOAD = dict(type='LoadImage')


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """Two videos of six frames; in each two people, 1 and 2, who move by (3, 1) and (-2, 0) px a frame."""
    root = tmp_path_factory.mktemp('video')
    ann_file = write_toy_dataset(root, num_images=12, people=(2, 2), seed=1)
    content = json.loads(open(ann_file).read())
    people = {
        image['id']: [one for one in content['annotations'] if one['image_id'] == image['id']]
        for image in content['images']
    }
    for number, image in enumerate(content['images']):
        image.update(seq=f'v{number // 6}', frame=10 + number % 6)
        first = people[content['images'][6 * (number // 6)]['id']]
        for one, model, velocity in zip(people[image['id']], first, ((3, 1), (-2, 0))):
            moved = np.array(model['keypoints'], float).reshape(-1, 3)
            moved[:, :2] += (number % 6) * np.array(velocity)
            one.update(keypoints=moved.ravel().tolist(), track_id=1 + first.index(model))
            one.pop('keypoints_3d', None), one.pop('keypoints_3d_valid', None)
    open(ann_file, 'w').write(json.dumps(content))
    return dict(ann_file=ann_file, data_root=str(root), data_prefix=dict(img='images'))


def undisturbed(**changes):
    return AddPreviousFrame(**{**dict(center_jitter=0.0, miss_prob=0.0, false_prob=0.0), **changes})


def test_neighbours_are_near_and_of_the_same_video(video):
    dataset = DASVideoDataset(**video, pipeline=[LOAD], max_gap=2)
    seen = {}
    for _ in range(60):
        for index in (0, 3, 5, 6):
            record = dataset.get_data_info(index)
            previous = record['previous']
            assert previous['seq'] == record['seq']
            seen.setdefault(index, set()).add(previous['frame'] - record['frame'])
    assert seen == {0: {1, 2}, 3: {-2, -1, 1, 2}, 5: {-1, -2}, 6: {1, 2}}
    assert DASVideoDataset(**video, test_mode=True).get_data_info(3)['previous'] is None


def test_displacements_are_exact_and_both_images_move_alike(video):
    np.random.seed(0)
    dataset = DASVideoDataset(**video, max_gap=3)
    flipped = 0
    for index in (2, 3, 8, 9) * 2:
        results = dataset.get_data_info(index)
        gap = results['previous']['frame'] - results['frame']
        results['img'] = cv2.imread(results['img_path'])
        before_px = results['previous']['keypoints'].astype(float)
        for step in (DASRandomAffine(input_size=(160, 128), max_rotation_rad=0.3), DASRandomFlip(), undisturbed()):
            results = step(results)
        linear = results['warp_mat'][:, :2]
        labels = results['extra_labels']
        expected = results['root_px'] + gap * np.array([[3, 1], [-2, 0]]) @ linear.T
        np.testing.assert_allclose(labels['previous_root_px'], expected, atol=1e-3)
        assert labels['previous_root_weights'].tolist() == [1, 1]
        order = list(KEYPOINT_SETS['panoptic15'].flip_indices) if results['flip'] else slice(None)
        flipped += results['flip']
        np.testing.assert_allclose(
            labels['previous_keypoints'], warp_points(before_px, results['warp_mat'])[:, order], atol=1e-3
        )
        # an undisturbed tracker knows those who were on the picture, where they were
        on_picture = ((expected >= 0) & (expected < (160, 128))).all(1)
        np.testing.assert_allclose(results['previous_centers_px'], expected[on_picture], atol=1e-3)
        # the picture is that of the other frame under the same warp
        other = cv2.warpAffine(
            cv2.imread(results['previous']['img_path']), results['warp_mat'], (160, 128), borderValue=(104, 116, 124)
        )
        assert np.abs(results['previous_img'].astype(int) - other).mean() < 4
    assert 0 < flipped < 8


def test_who_was_not_there_teaches_nothing(video):
    dataset = DASVideoDataset(**video)
    results = dataset.get_data_info(3)
    results['img'] = cv2.imread(results['img_path'])
    results['previous']['track_id'] = np.array([7, 2])
    labels = undisturbed()(results)['extra_labels']
    assert labels['previous_root_weights'].tolist() == [0, 1]
    assert labels['previous_keypoints_weights'].sum(1).tolist() == [0, 15]


def test_a_still_image_is_its_own_past(video):
    np.random.seed(1)
    dataset = DASVideoDataset(**video)
    results = dataset.get_data_info(3)
    results.update(previous=None, track_id=np.array([-1, -1]))
    results['img'] = cv2.imread(results['img_path'])
    results = undisturbed()(DASRandomAffine(input_size=(160, 128))(results))
    labels = results['extra_labels']
    assert labels['previous_root_weights'].tolist() == [1, 1]
    moved = labels['previous_keypoints'] - results['keypoints']
    assert 0.1 < np.abs(moved).max() < 60
    # one similarity moves everybody: the distances between keypoints change by one factor
    spread = [
        np.linalg.norm(points - points.mean((0, 1)), axis=-1)
        for points in (labels['previous_keypoints'], results['keypoints'])
    ]
    np.testing.assert_allclose(spread[0] / spread[1], (spread[0] / spread[1]).mean(), rtol=1e-3)


def test_disturbances(video):
    np.random.seed(2)
    dataset = DASVideoDataset(**video)
    numbers, off = [], []
    for _ in range(300):
        results = dataset.get_data_info(3)
        results['img'] = cv2.imread(results['img_path'])
        results = AddPreviousFrame()(results)
        numbers.append(len(results['previous_centers_px']))
        truth = results['extra_labels']['previous_root_px']
        off += [np.linalg.norm(truth - center, axis=1).min() for center in results['previous_centers_px']]
    assert np.mean(numbers) == pytest.approx(2 * (0.6 + 0.1), abs=0.15)  # 60 % are found, 10 % are invented
    assert 0 < np.median(off) < 20


def test_packed_for_the_network(video):
    sample = PackDASInputs()(undisturbed()(_loaded(DASVideoDataset(**video), 3)))
    assert sample['inputs'].shape[0] == 6
    labels = sample['data_samples'].gt_instance_labels
    assert len(labels.previous_root_px) == len(labels.root_px) == 2
    assert len(sample['data_samples'].previous_centers_px) == 2


def test_an_unreadable_neighbour_is_done_without(video):
    results = _loaded(DASVideoDataset(**video), 3)
    results['previous']['img_path'] = '/nowhere.png'
    assert undisturbed()(results)['previous_img'].shape == results['img'].shape


def _loaded(dataset, index):
    results = dataset.get_data_info(index)
    results['img'] = cv2.imread(results['img_path'])
    return results


@pytest.mark.parametrize('world', [1, 2, 3])
def test_videos_stay_in_order_and_on_one_process(video, monkeypatch, world):
    dataset = DASVideoDataset(**video, test_mode=True)
    everything = []
    for rank in range(world):
        monkeypatch.setattr('das_mm.datasets.samplers.sequence_sampler.get_dist_info', lambda: (rank, world))
        records = [dataset.get_data_info(index) for index in SequenceSampler(dataset)]
        videos = [record['seq'] for record in records]
        assert videos == sorted(videos, key=videos.index)  # one video after the other
        for seq in set(videos):
            assert [r['frame'] for r in records if r['seq'] == seq] == list(range(10, 16))
        everything += [record['img_id'] for record in records]
    assert sorted(everything) == list(range(1, 13))
