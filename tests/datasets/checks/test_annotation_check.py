"""The check lists every kind of fault and oddity, names culprits and remedies, and agrees with the reader."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from das_mm.datasets.checks import check_annotation_file
from das_mm.datasets.datasets import read_annotation_file
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS
from tests.datasets.test_annotation_file import FAULTS
from tests.toy import write_toy_coco, write_toy_dataset

FALLBACK = 'a training refuses the file'


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    """A folder with twelve images, two people in each, and their annotations as text."""
    root = tmp_path_factory.mktemp('toy')
    return root, Path(write_toy_dataset(root, num_images=12, people=(2, 2), image_size=(320, 256))).read_text()


@pytest.fixture
def checked(toy, tmp_path):
    """Applies an edit to the toy annotations and checks the result."""

    def check(*edits, **options):
        content = json.loads(toy[1])
        for edit in edits:
            edit(content)
        file = tmp_path / 'edited.json'
        file.write_text(json.dumps(content))
        return check_annotation_file(file, **options)

    return check


def kinds(findings):
    return {(finding.kind.field, finding.kind.problem): finding for finding in findings}


def the_one(findings, field, problem):
    found = [finding for finding in findings if finding.kind.field == field and problem in finding.kind.problem]
    assert len(found) == 1, kinds(findings)
    assert found[0].kind.meaning and found[0].kind.remedy
    return found[0]


def test_good_files_are_clean(toy, checked, tmp_path):
    report = checked(images=toy[0] / 'images')
    assert report.faults == [] and report.warnings == [], kinds(report.warnings)
    summary = report.summary
    assert (summary['images'], summary['people'], summary['people_with_3d']) == (12, 24, 24)
    assert summary['image_sizes'] == {'320x256': 12} and summary['images_with_camera'] == 12
    depth = summary['root_depth_mm']
    assert 2400 < depth['least'] < depth['median'] < depth['greatest'] < 5600
    assert summary['keypoints'][1] == dict(
        name='nose', labelled=100.0, visible=summary['keypoints'][1]['visible'], with_3d=100.0
    )
    json.dumps(report.as_dict())
    coco = check_annotation_file(write_toy_coco(tmp_path / 'coco'), images=tmp_path / 'coco' / 'toy2017')
    assert coco.faults == [] and coco.summary['keypoint_set'] == 'coco17' and coco.summary['crowd_regions'] == 1
    assert coco.summary['root_depth_mm'] is None and coco.summary['people_with_3d'] == 0


def test_whatever_the_reader_refuses_is_found_and_named(toy, tmp_path):
    file = tmp_path / 'bad.json'
    text = Path(write_toy_dataset(tmp_path / 'small', num_images=3, people=(2, 2))).read_text()
    for edit, message in FAULTS:
        content = json.loads(text)
        edit(content)
        file.write_text(json.dumps(content))
        try:
            report = check_annotation_file(file)
        except UserError as error:  # no annotation file at all
            assert 'is missing or not a list' in error.problem, message
            continue
        assert report.faults, message
        of_the_whole_file = {'images', 'info.joints'}
        fallbacks = {finding.kind.field for finding in report.faults if finding.kind.meaning == FALLBACK}
        assert fallbacks <= of_the_whole_file, (message, kinds(report.faults))


def test_all_kinds_at_once_with_their_culprits(checked, tmp_path):
    def spoil(content):
        people, images = content['annotations'], content['images']
        for person in people[:8]:
            person['keypoints'][2] = 0.9
        del people[9]['bbox']
        people[10]['keypoints_3d'][3][2] = -100.0
        people[11]['image_id'] = 4711
        people[12]['keypoints'].pop()
        people[13]['id'] = people[14]['id'] = people[15]['id']
        images[11]['cam_param']['K'][0][0] = 0
        images[10]['width'] = '320px'
        content['annotations'].append(17)

    report = checked(spoil)
    flags = the_one(report.faults, 'annotations.keypoints', 'flag that is not 0, 1 or 2')
    assert flags.count == 8 and len(flags.examples) == 5
    assert flags.examples[0] == 'annotations[0] (id 1, 000001.png): 0.9'
    assert the_one(report.faults, 'annotations.keypoints', 'does not have the shape 45').examples == [
        'annotations[12] (id 13, 000007.png): has 44'
    ]
    assert the_one(report.faults, 'annotations.keypoints_3d', 'behind the camera').examples == [
        'annotations[10] (id 11, 000006.png): left_shoulder'
    ]
    assert the_one(report.faults, 'annotations.id', 'used before').count == 2
    assert '4711' in the_one(report.faults, 'annotations.image_id', 'names no image').examples[0]
    assert the_one(report.faults, 'annotations.bbox', 'is missing').count == 1
    assert 'singular' in the_one(report.faults, 'images.cam_param.K', 'is no camera matrix').examples[0]
    assert the_one(report.faults, 'images.width', 'is no number').count == 1
    assert the_one(report.faults, 'annotations', 'no objects').examples == ['annotations[24]: 17']
    # what is sound is still told: 2 images and their 4 people, 8 + 5 others and 1 with the id of another are gone
    assert report.summary['images'] == 10 and report.summary['people'] == 24 - 8 - 1 - 1 - 1 - 1 - 2 - 4


def test_wrong_units(checked):
    def scaled(factor):
        def edit(content):
            for person in content['annotations']:
                person['keypoints_3d'] = (factor * np.array(person['keypoints_3d'])).tolist()
                person['root_depth'] *= factor

        return edit

    metres = checked(scaled(1e-3))
    fault = the_one(metres.faults, 'annotations.keypoints_3d', 'not in millimetres')
    assert fault.count == 24 and metres.summary['people'] == 24 and metres.summary['people_with_3d'] == 0
    centimetres = checked(scaled(0.1))
    found = [
        finding
        for finding in centimetres.warnings + centimetres.faults
        if 'centimetres' in finding.kind.remedy + finding.kind.meaning
    ]
    assert found


def test_exchanged_sides(checked):
    def exchange(content):
        flip = list(KEYPOINT_SETS['panoptic15'].flip_indices)
        for person in content['annotations']:
            person['keypoints_3d'] = np.array(person['keypoints_3d'])[flip].tolist()
            person['keypoints'] = np.reshape(person['keypoints'], (15, 3))[flip].ravel().tolist()

    finding = the_one(checked(exchange).warnings, 'annotations.keypoints_3d', 'left and right are exchanged')
    assert finding.count == 24


def each(edit):
    """Applies an edit to the first six annotations."""

    def whole(content):
        for person in content['annotations'][:6]:
            edit(person)

    return whole


def moved(shift, scale=1.0):
    def edit(content):
        for person in content['annotations']:
            keypoints = np.reshape(person['keypoints'], (15, 3)).astype(float)
            keypoints[:, :2] = scale * keypoints[:, :2] + shift
            person['keypoints'] = keypoints.ravel().tolist()

    return edit


def flatten(person):
    points = np.array(person['keypoints_3d'])
    points[:, 2] = points[2, 2]
    person['keypoints_3d'] = points.tolist()


def as_corners(content):
    for person in content['annotations']:
        x, y, w, h = person['bbox']
        person['bbox'] = [x, y, x + w, y + h]


def repeat(content):
    for person in content['annotations'][:6]:
        content['annotations'].append({**person, 'id': person['id'] + 1000})


def no_roots(content):
    for person in content['annotations']:
        person['keypoints'][2 * 3 + 2] = 0


def camera(**changes):
    def edit(content):
        for image in content['images'][:6]:
            image['cam_param'].update(changes)

    return edit


def no_cameras(content):
    for image in content['images'][:6]:
        del image['cam_param']


ODD = [
    # edit, field, problem, how many culprits (None: some)
    (
        each(lambda p: p['keypoints'].__setitem__(slice(0, 3), [900.0, 20.0, 1])),
        'annotations.keypoints',
        'far outside',
        6,
    ),
    (
        each(lambda p: p['keypoints'].__setitem__(slice(0, 3), [-20.0, 20.0, 2])),
        'annotations.keypoints',
        'flagged visible',
        6,
    ),
    (each(lambda p: p['keypoints'].__setitem__(slice(0, 3), [0, 0, 1])), 'annotations.keypoints', 'exactly (0, 0)', 6),
    (each(lambda p: p.update(bbox=[1, 1, 12, 12])), 'annotations.bbox', 'does not contain', None),
    (each(lambda p: p.update(bbox=[1, 1, 0, 12])), 'annotations.bbox', 'less than one pixel', 6),
    (as_corners, 'annotations.bbox', 'reaches out of the image', None),
    (repeat, 'annotations', 'repeat a person', 6),
    (no_roots, 'annotations.keypoints', 'no labelled root (mid_hip)', 24),
    (lambda content: content['images'][3].update(file_name='000002.png'), 'images.file_name', 'image before', 1),
    (each(flatten), 'annotations.keypoints_3d', 'all at the same depth', 6),
    (each(lambda p: p.update(root_depth=p['root_depth'] + 500)), 'annotations.root_depth', 'differs', 6),
    (moved(0, scale=0.5), 'annotations.keypoints_3d', 'do not project', None),
    (moved(1), 'annotations.keypoints', 'shifted', 24),
    (moved(0.5), 'annotations.keypoints', 'shifted', 24),
    (camera(K=[[300, 0, 960], [0, 300, 540], [0, 0, 1]]), 'images.cam_param.K', 'principal point', 6),
    (camera(K=[[4.5, 0, 160], [0, 4.5, 128], [0, 0, 1]]), 'images.cam_param.K', 'field of view', 6),
    (camera(R=[[1, 0, 0], [0, 1, 0], [0, 0, -1]]), 'images.cam_param.R', 'no rotation', 6),
    (no_cameras, 'images.cam_param', 'missing though', 6),
]


@pytest.mark.parametrize('edit, field, problem, count', ODD, ids=[f'{o[1]} {o[2]}' for o in ODD])
def test_oddities(checked, edit, field, problem, count):
    report = checked(edit)
    assert report.faults == []
    finding = the_one(report.warnings, field, problem)
    assert finding.count == count or count is None and finding.count > 3
    assert finding.examples and len(finding.examples) <= 5


def test_advice_that_only_the_whole_file_gives(checked):
    assert 'corners' in the_one(checked(as_corners).warnings, 'annotations.bbox', 'reaches out').kind.remedy
    assert the_one(checked(moved(1)).warnings, 'annotations.keypoints', 'shifted').examples == ['by (1.00, 1.00) px']


def test_images_on_the_disk(toy, checked, tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    for path in sorted((toy[0] / 'images').iterdir()):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / '000001.png').unlink()
    whole = (folder / '000002.png').read_bytes()
    (folder / '000002.png').write_bytes(whole[: len(whole) // 2])
    (folder / '000003.png').write_bytes(b'no picture')
    cv2.imwrite(str(folder / '000004.png'), np.zeros((128, 160, 3), np.uint8))
    report = checked(images=folder)
    assert report.faults == []
    assert the_one(report.warnings, 'images.file_name', 'does not exist').examples == ['image id 1, 000001.png']
    assert the_one(report.warnings, 'images.file_name', 'cannot be read').count == 2
    assert the_one(report.warnings, 'images.width, height', 'not the size').examples == [
        'image id 4, 000004.png: 160x128, not 320x256'
    ]
    with pytest.raises(UserError, match='no such folder'):
        checked(images=folder / 'none')


def test_the_keypoint_set(checked):
    unknown = lambda content: content['info'].pop('joints')
    report = checked(unknown)
    assert the_one(report.faults, 'info.joints', 'nothing says').count == 1 and report.summary is None
    assert checked(unknown, keypoint_set='panoptic15').faults == []
    other = checked(lambda content: content['info'].update(joints='coco17'))
    assert the_one(other.faults, 'annotations.keypoints', 'does not have the shape 51').count == 24


def test_no_annotation_file(tmp_path):
    file = tmp_path / 'a.json'
    for text in ('', '[1]', '{"a": 1}', '{"images": []}', '{"images": 1, "annotations": 1}', '{"images": [{'):
        file.write_text(text)
        with pytest.raises(UserError, match='a.json'):
            check_annotation_file(file)
    with pytest.raises(UserError, match='does not exist'):
        check_annotation_file(tmp_path / 'none.json')
    file.write_text('{"info": {"joints": "coco17"}, "images": [], "annotations": []}')
    assert the_one(check_annotation_file(file).faults, 'images', 'empty').count == 1


def test_without_faults_the_reader_takes_it(checked, tmp_path):
    """After the advice of the check is followed by removing the culprits, the file is read."""

    def spoil(content):
        content['annotations'][2]['bbox'][2] = -4
        content['annotations'][5]['keypoints_3d'] = None

    report = checked(spoil)
    assert [finding.kind.field for finding in report.faults] == ['annotations.bbox']
    content = json.loads((tmp_path / 'edited.json').read_text())
    del content['annotations'][2]
    (tmp_path / 'edited.json').write_text(json.dumps(content))
    assert check_annotation_file(tmp_path / 'edited.json').faults == []
    assert len(read_annotation_file(str(tmp_path / 'edited.json')).people.ann_id) == 23
