"""Masks of people go through the same resize and flip as their image."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from das_mm.datasets import DASDataset

WIDTH, HEIGHT = 40, 30
#: x1, y1, x2, y2 of the two people, whole pixels
BOXES = ((4, 6, 14, 26), (12, 10, 22, 28))


def _person(number, box, segmentation):
    x1, y1, x2, y2 = box
    points = np.zeros((14, 3))
    points[2], points[3] = (x1 + 2, y1 + 3, 2), (x1 + 3, y1 + 3, 2)  # hips
    return dict(
        id=number,
        image_id=1,
        bbox=[x1, y1, x2 - x1, y2 - y1],
        keypoints=points.ravel().tolist(),
        segmentation=segmentation,
    )


def _polygon(box):
    x1, y1, x2, y2 = box
    return [[x1, y1, x2, y1, x2, y2, x1, y2]]


def _uncompressed(box):
    mask = np.zeros((HEIGHT, WIDTH), int)
    mask[box[1] : box[3], box[0] : box[2]] = 1
    ends = np.flatnonzero(np.diff(mask.T.ravel(), prepend=0, append=-1))
    return dict(size=[HEIGHT, WIDTH], counts=np.diff(np.concatenate([[0], ends])).tolist())


def _write(root, segmentations):
    root.mkdir()
    cv2.imwrite(str(root / 'a.png'), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    content = dict(
        info=dict(joints='lsp14'),
        images=[dict(id=1, file_name='a.png', width=WIDTH, height=HEIGHT)],
        annotations=[_person(7 - n, box, one) for n, (box, one) in enumerate(zip(BOXES, segmentations))],
    )
    (root / 'people.json').write_text(json.dumps(content))
    return root


def _sample(root, flip=0.0, **options):
    pipeline = [
        dict(type='LoadImage'),
        dict(type='DASResize', input_size=(2 * WIDTH, 2 * HEIGHT)),
        dict(type='DASRandomFlip', prob=flip),
        dict(type='AddInstanceMap'),
        dict(type='PackDASInputs'),
    ]
    return DASDataset('people.json', 'lsp14', data_root=str(root), pipeline=pipeline, **options)[0]['data_samples']


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return _write(tmp_path_factory.mktemp('masks') / 'set', [_polygon(BOXES[0]), _uncompressed(BOXES[1])])


@pytest.mark.parametrize('flip', (0.0, 1.0))
def test_masks_are_resized_and_mirrored_with_the_image(root, flip):
    sample = _sample(root, flip, with_masks=True)
    expected = np.zeros((2 * HEIGHT, 2 * WIDTH), int)
    for number, box in enumerate(BOXES, start=1):  # the later one lies over the earlier
        x1, y1, x2, y2 = (2 * side for side in box)
        expected[y1:y2, x1:x2] = number
    found = sample.gt_fields.instance_map[0].numpy()
    assert np.array_equal(found, expected[:, ::-1] if flip else expected)
    boxes = sample.gt_instance_labels.bboxes.numpy()
    for number in (1, 2):  # the numbers are those of the rows of the labels
        columns = np.flatnonzero((found == number).any(0))
        assert columns.min() >= boxes[number - 1, 0] - 1 and columns.max() <= boxes[number - 1, 2] + 1


def test_people_without_a_mask_and_data_without_masks(root, tmp_path):
    assert _sample(root).gt_fields.instance_map.max() == 0  # not asked for
    half = _sample(_write(tmp_path / 'half', [None, _polygon(BOXES[1])]), with_masks=True)
    assert np.unique(half.gt_fields.instance_map).tolist() == [0, 2]


def test_damaged_masks_are_counted_and_left_out(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr('das_mm.datasets.annotations.person_masks.print_log', lambda text, **options: told.append(text))
    damaged = dict(size=[3, 3], counts='00')
    sample = _sample(_write(tmp_path / 'bad', [damaged, _polygon(BOXES[1])]), with_masks=True)
    assert np.unique(sample.gt_fields.instance_map).tolist() == [0, 2]
    assert len(told) == 1 and '1 masks are left out: its size is not [30, 40]' in told[0]
