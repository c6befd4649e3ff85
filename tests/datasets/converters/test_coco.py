"""COCO: scenes in its layout come back as they were; ids, areas, crowds and what is missing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from xtcocotools.coco import COCO
from xtcocotools.cocoeval import COCOeval

from das_mm.datasets.converters.coco import CocoConverter
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.datasets import DASDataset
from das_mm.datasets.synthetic.layouts.coco import CocoLayout
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS

SIGMAS = np.array(KEYPOINT_SETS['coco17'].sigmas)


@pytest.fixture(scope='module')
def crowded(scenes):
    """The scenes; of the second one somebody is hardly seen, of the third somebody is small."""
    number = next(i for i, scene in enumerate(scenes) if i and len(scene.people) > 1)
    hidden = replace(scenes[number].people[0], is_valid=False)
    small = replace(scenes[0].people[0], area_px=800.0)
    changed = {
        0: replace(scenes[0], people=(small, *scenes[0].people[1:])),
        number: replace(scenes[number], people=(*scenes[number].people[1:], hidden)),
    }
    return [changed.get(i, scene) for i, scene in enumerate(scenes)]


@pytest.fixture
def written(crowded, tmp_path):
    CocoLayout().write(crowded, tmp_path / 'coco', 'val')
    return tmp_path / 'coco'


def convert(root, **options):
    report = run_conversion(CocoConverter(root, 'val', **options), root.parent / 'out.json')
    return report, json.loads(report.out.read_text())


@pytest.mark.parametrize('year', [2017, 2014])
def test_scenes_come_back(crowded, tmp_path, year):
    root = tmp_path / 'coco'
    CocoLayout(year).write(crowded, root, 'val')
    source = json.loads((root / f'annotations/person_keypoints_val{year}.json').read_text())
    report, content = convert(root)
    first = content['images'][0]
    assert first['file_name'] == {2017: 'val2017/000000000139.jpg', 2014: 'val2014/COCO_val2014_000000000139.jpg'}[year]
    assert [image['id'] for image in content['images']] == [139 + 146 * n for n in range(len(crowded))]
    for key in ('id', 'image_id', 'area', 'iscrowd', 'num_keypoints'):  # by which COCO's evaluation goes
        assert [entry[key] for entry in content['annotations']] == [entry[key] for entry in source['annotations']]
    truth = [
        (scene, person) for scene in crowded for person in sorted(scene.people, key=lambda person: not person.is_valid)
    ]
    assert len(truth) == len(content['annotations'])
    for (scene, person), entry in zip(truth, content['annotations']):
        assert entry['segmentation']['size'] == [scene.height, scene.width]
        overlap = coco_mask.iou([entry['segmentation']], [person.segmentation], [0])[0, 0]
        keypoints = np.reshape(entry['keypoints'], (17, 3))
        if not person.is_valid:
            assert entry['iscrowd'] == 1 and overlap == 1 and not keypoints.any()
            continue
        assert overlap > 0.8 and np.allclose(entry['bbox'], person.bbox_xywh, atol=0.01)
        assert entry['area'] == pytest.approx(person.area_px)
        if person.area_px < 32**2:
            assert not keypoints.any()
            continue
        seen = person.seen('coco17')
        assert (keypoints[:, 2] == seen).all() and (keypoints[seen == 0] == 0).all()
        assert np.abs(keypoints[:, :2] - person.px('coco17'))[seen > 0].max() <= 0.5  # whole pixels, no shift
    assert report.counts['crowd regions'] == 1 and report.counts['people without labelled keypoints'] >= 1
    assert report.counts['people with labelled keypoints'] > 5


def test_the_dataset_class_reads_it(written, crowded):
    report, content = convert(written)
    dataset = DASDataset(str(report.out), 'coco17', data_prefix=dict(img=str(written)), test_mode=True)
    assert len(dataset) == len(crowded)
    record = dataset.get_data_info(0)
    assert record['img_id'] == 139 and record['camera']['K'] is None and not record['has_3d']
    assert record['ann_id'].tolist() == [entry['id'] for entry in content['annotations'] if entry['image_id'] == 139]
    assert sum(int(dataset.get_data_info(i)['iscrowd'].sum()) for i in range(len(dataset))) == 1


def test_truth_as_prediction_has_ap_1(written):
    report, content = convert(written)
    results = [
        dict(image_id=entry['image_id'], category_id=1, keypoints=entry['keypoints'], score=1.0)
        for entry in content['annotations']
        if entry['num_keypoints']
    ]
    truth = COCO(str(report.out))
    evaluation = COCOeval(truth, truth.loadRes(results), 'keypoints', SIGMAS)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)


def test_missing_images_are_counted(written):
    _, before = convert(written)
    (written / 'val2017' / '000000000139.jpg').unlink()
    report, content = convert(written)
    gone = sum(entry['image_id'] == 139 for entry in before['annotations'])
    assert report.counts['images missing'] == 1 and report.counts['people of missing images'] == gone > 0
    assert len(content['images']) == len(before['images']) - 1
    assert len(content['annotations']) == len(before['annotations']) - gone


def test_files_at_other_places(written):
    usual, _ = convert(written)
    (written / 'annotations' / 'person_keypoints_val2017.json').rename(written / 'mine.json')
    (written / 'val2017').rename(written / 'pictures')
    with pytest.raises(UserError, match='(?s)annotation file is not there.*person_keypoints_'):
        convert(written)
    report, content = convert(written, annotations=written / 'mine.json', images=written / 'pictures')
    assert report.counts == usual.counts and content['images'][0]['file_name'] == '000000000139.jpg'


def test_the_expected_counts_follow_split_and_year(written, tmp_path):
    assert CocoConverter(written, 'val').expected() == {'images': '5000', 'people with labelled keypoints': '6352'}
    CocoLayout(2014).write([], tmp_path / 'older', 'train')
    assert CocoConverter(tmp_path / 'older').expected() == {'images': '82783'}


def test_without_images_there_is_an_error(written):
    for path in (written / 'val2017').iterdir():
        path.unlink()
    with pytest.raises(UserError, match='not one image is left .*images missing: 8'):
        convert(written)
    (written / 'val2017').rmdir()
    with pytest.raises(UserError, match='folder of the images is not there'):
        convert(written)


@pytest.mark.parametrize(
    'edit, message',
    [
        (lambda content: content['annotations'][1]['keypoints'].pop(), r'\(id 200031\).keypoints: does not .* has 50'),
        (lambda content: content['annotations'][1].update(area=-1), r'\(id 200031\).area: is no area: -1'),
        (lambda content: content['annotations'][1].update(bbox=[1, 2]), r'\(id 200031\).bbox: does not have'),
        (lambda content: content['annotations'][1].update(id=None), r'annotations\[1\] \(id None\).id: is not a whole'),
        (lambda content: content['images'][0].pop('width'), r'images\[0\] \(id 139\).width: is missing'),
        (lambda content: content.pop('annotations'), 'annotations: is missing'),
        (lambda content: content['categories'][0].pop('keypoints'), 'categories: it names no keypoints'),
        (lambda content: content['categories'][0]['keypoints'].reverse(), 'not those of COCO keypoints'),
    ],
)
def test_damaged_files(written, edit, message):
    file = written / 'annotations' / 'person_keypoints_val2017.json'
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=message) as caught:
        convert(written)
    assert str(file) in str(caught.value)


def test_a_cut_file(written):
    file = written / 'annotations' / 'person_keypoints_val2017.json'
    file.write_text(file.read_text()[:-100])
    with pytest.raises(UserError, match='no valid json, perhaps cut short'):
        convert(written)
