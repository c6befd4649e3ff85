"""CrowdPose: scenes in its layout come back as they were; areas for want of areas, crowd index, both namings."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.converters.crowdpose import CrowdPoseConverter
from das_mm.datasets.datasets import DASDataset
from das_mm.datasets.synthetic.layouts.coco import CrowdPoseLayout, crowd_index
from das_mm.errors import UserError


@pytest.mark.parametrize('prefix', ['', 'mmpose_'])
def test_scenes_come_back(scenes, tmp_path, prefix):
    root = tmp_path / 'crowdpose'
    CrowdPoseLayout(prefix).write(scenes, root, 'test')
    report = run_conversion(CrowdPoseConverter(root, 'test'), tmp_path / 'out.json')
    content = json.loads(report.out.read_text())
    assert [image['id'] for image in content['images']] == [100000 + 7 * n for n in range(len(scenes))]
    assert content['images'][1]['file_name'] == 'images/100007.jpg'
    for scene, image in zip(scenes, content['images']):
        assert image['crowd_index'] == pytest.approx(crowd_index(scene), abs=0.005)
    people = [person for scene in scenes for person in scene.people]
    for person, entry in zip(people, content['annotations'], strict=True):
        keypoints, seen = np.reshape(entry['keypoints'], (14, 3)), person.seen('crowdpose14')
        assert (keypoints[:, 2] == seen).all()
        assert np.abs(keypoints[:, :2] - person.px('crowdpose14'))[seen > 0].max() <= 0.5
        assert entry['area'] == pytest.approx(0.53 * np.prod(person.bbox_xywh[2:]), rel=1e-3)
        assert 'segmentation' not in entry
    assert [entry['id'] for entry in content['annotations']] == [120000 + n for n in range(len(people))]
    dataset = DASDataset(str(report.out), 'crowdpose14', data_prefix=dict(img=str(root)), test_mode=True)
    record = dataset.get_data_info(0)
    assert len(dataset) == len(scenes) and np.allclose(record['area'][0], content['annotations'][0]['area'])


def test_crowd_index_by_hand(scenes):
    """Two people in the very same place: every keypoint of either lies in the other's box, so the ratio is 1."""
    person = next(person for scene in scenes for person in scene.people if (person.seen('crowdpose14') > 0).all())
    scene = replace(scenes[0], people=(person, person))
    assert crowd_index(replace(scene, people=(person,))) == 0
    boxed = replace(person, bbox_xywh=(0, 0, scene.width, scene.height))
    assert crowd_index(replace(scene, people=(boxed, boxed))) == 1
    # a box without anybody's keypoints beside one with all 14 of the other: (0 + 1) / 2
    empty = replace(person, bbox_xywh=(-5, -5, 1, 1))
    assert crowd_index(replace(scene, people=(empty, boxed))) == 0.5


def test_missing_images_and_wrong_files(scenes, tmp_path):
    root = tmp_path / 'crowdpose'
    CrowdPoseLayout().write(scenes, root, 'train')
    (root / 'images' / '100000.jpg').unlink()
    report = run_conversion(CrowdPoseConverter(root), tmp_path / 'out.json')
    assert report.counts['images missing'] == 1 and report.counts['images'] == len(scenes) - 1
    assert CrowdPoseConverter(root).expected() == {'images': '10000'}
    with pytest.raises(UserError, match='no split .minival'):
        CrowdPoseConverter(root, 'minival')
    with pytest.raises(UserError, match='(?s)annotation file is not there.*mmpose_crowdpose_'):
        CrowdPoseConverter(root, 'val').jobs()
    (root / 'annotations' / 'crowdpose_train.json').write_text('[]')
    with pytest.raises(UserError, match='images: is missing'):
        run_conversion(CrowdPoseConverter(root), tmp_path / 'out.json')
