"""`das-mm browse`: what the network is given, as pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.cli import main
from das_mm.datasets.datasets import DASDataset
from das_mm.models.task_modules import DASTargetAssigner
from das_mm.tools.support.input_pictures import count_people, describe_input, draw_input
from das_mm.visualization.skeletons import skeleton_of
from tests.toy import toy_pipeline, write_toy_dataset
from tests.toy_das import write_toy_config


@pytest.fixture
def config(tmp_path):
    return write_toy_config(tmp_path, num_images=6, mixed=True)


def browse(config, out, *words):
    status = main(['browse', config, '--out', str(out), *words])
    return status, {path.name: path.read_bytes() for path in out.glob('*')} if out.exists() else {}


def test_pictures_sheet_and_counts(config, tmp_path, capsys):
    status, first = browse(config, tmp_path / 'a', '--num', '9')
    said = capsys.readouterr().out
    assert status == 0 and sorted(first) == [*(f'{n:03d}.jpg' for n in range(9)), 'sheet.jpg']
    picture = cv2.imread(str(tmp_path / 'a/000.jpg'))
    assert picture.shape[1] == 2 * 800 + 16 and picture.shape[0] > 640  # labels and targets of 160x128, five-fold
    assert 'toy ' in said and 'person_keypoints_toy2017' in said and '9 pictures' in said
    _, again = browse(config, tmp_path / 'b', '--num', '9')
    _, other = browse(config, tmp_path / 'c', '--num', '9', '--seed', '5')
    assert again == first and other['sheet.jpg'] != first['sheet.jpg']


def test_other_split_and_faults(config, tmp_path, capsys):
    assert browse(config, tmp_path / 'val', '--split', 'val', '--num', '40')[0] == 0  # all six there are
    assert len(list((tmp_path / 'val').glob('0*.jpg'))) == 6
    capsys.readouterr()
    assert browse(config, tmp_path / 'x', '--num', '0')[0] == 2
    assert '--num: 0 pictures cannot be drawn' in capsys.readouterr().err
    cfg = Config.fromfile(config)
    cfg.pop('val_dataloader')
    cfg.dump(tmp_path / 'short.py')
    assert browse(str(tmp_path / 'short.py'), tmp_path / 'x', '--split', 'val')[0] == 2
    assert 'val_dataloader: there is nothing to browse' in capsys.readouterr().err


def test_the_mix_of_the_sampler_is_shown(config, tmp_path, capsys):
    cfg = Config.fromfile(config)
    cfg.train_dataloader.sampler = dict(type='MixedSourceSampler', probabilities=[0.25, 0.75], length=8)
    cfg.dump(tmp_path / 'mixed.py')
    assert browse(str(tmp_path / 'mixed.py'), tmp_path / 'm', '--num', '8')[0] == 0
    said = capsys.readouterr().out
    rows = {line.split('│')[1].strip(): line.split('│')[2].strip() for line in said.splitlines() if '│' in line}
    assert rows == {'toy': '2', 'person_keypoints_toy2017': '6'}


@pytest.fixture
def sample(tmp_path):
    ann_file = write_toy_dataset(tmp_path / 'one', num_images=1, people=(2, 2), seed=4)
    return DASDataset(
        ann_file=ann_file, data_prefix=dict(img=str(tmp_path / 'one/images')), pipeline=toy_pipeline((100, 80))
    )[0]


def test_positive_points_are_where_the_assigner_puts_them(sample):
    image = sample['inputs'].permute(1, 2, 0).numpy()
    skeleton, assigner = skeleton_of('panoptic15'), DASTargetAssigner(strides=(8,), regress_ranges=((0, 1e8),))
    assert draw_input(image, sample['data_samples'], skeleton).shape[1] == 8 * 100  # one panel, eight-fold
    both, scale = draw_input(image, sample['data_samples'], skeleton, assigner, size_divisor=32), 7
    assert both.shape[1] == 2 * scale * 128  # two, padded to a multiple of 32
    targets = both[: 96 * scale, 128 * scale :]
    labels = sample['data_samples'].gt_instance_labels
    for (x, y), learnt in zip(labels.root_px.numpy(), labels.center_valid):
        if learnt:  # the cell that holds the root is coloured
            left, top = (np.floor((np.array([x, y]) + 0.5) / 8) * 8 * scale).astype(int)
            border = targets[top, left + 5 : left + 8 * scale - 5].astype(int)
            assert np.ptp(border, axis=1).mean() > 30
    padding = targets[81 * scale :, 100 * scale + 5 :]
    assert (np.abs(padding.astype(int) - (104, 116, 124)) < 3).all(axis=-1).mean() > 0.8


def test_counts_and_title(sample):
    data = sample['data_samples']
    labels = data.gt_instance_labels
    labels.center_valid = torch.tensor([True, False])
    assert count_people(data) == {'people': 2, 'learnt': 1, 'ignored': 1, 'with depth': 1}
    title = describe_input(data, (80, 100))
    assert title == 'toy 1   100x80   ×0.62   2 people: 1 learnt, 1 ignored'
    labels.root_depths_weights[:] = 0
    sin, cos = np.sin(np.deg2rad(10)), np.cos(np.deg2rad(10))
    data.set_metainfo(dict(flip=True, warp_mat=np.array([[-cos, -sin, 3], [-sin, cos, 0]])))
    title = describe_input(data, (80, 100))
    assert title.endswith('×1.00 turned 10° mirrored   2 people: 1 learnt, 1 ignored, depth of nobody')


def test_a_sample_of_mmpose():
    image = np.full((64, 48, 3), 90, np.uint8)
    sample = PoseDataSample(metainfo=dict(img_id=7))
    skeleton = skeleton_of('coco17')
    assert (draw_input(image, sample, skeleton) == 90).all()
    keypoints = np.random.default_rng(0).uniform(5, 40, (1, 17, 2))
    sample.gt_instances = InstanceData(transformed_keypoints=keypoints, keypoints_visible=np.ones((1, 17)))
    drawn = draw_input(image, sample, skeleton)
    assert drawn.shape == (64 * 17, 48 * 17, 3) and (drawn != 90).any()
    assert describe_input(sample, (64, 48)) == '7   48x64   1 person'


def test_the_keypoints_of_a_crop_are_drawn():
    sample = PoseDataSample()
    keypoints = torch.zeros(1, 24, 3)
    keypoints[0, :2] = torch.tensor([[-0.5, -0.5, 1], [0.5, 0.5, 1]])  # ankle and knee, which are linked
    sample.gt_instance_labels = InstanceData(keypoints_2d=keypoints)
    picture = draw_input(np.zeros((40, 40, 3), np.uint8), sample, skeleton_of('gt24'))
    drawn = picture.max(axis=2) > 0
    assert picture.shape == (800, 800, 3)
    assert all(drawn[place - 25 : place + 25, place - 25 : place + 25].any() for place in (200, 600))
    rows, columns = np.nonzero(drawn)
    assert 100 < min(rows.min(), columns.min()) < 210 and 590 < max(rows.max(), columns.max()) < 700
