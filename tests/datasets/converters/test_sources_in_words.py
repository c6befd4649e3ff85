"""Kinds of damage and difference that sources have, each with what becomes of it."""

from __future__ import annotations

import argparse
import json
import resource

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask
from scipy.io import loadmat, savemat

from das_mm.datasets.annotations.coco_masks import DamagedMask, run_lengths
from das_mm.datasets.checks import check_annotation_file
from das_mm.datasets.converters import CONVERTERS
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.datasets import DASDataset
from das_mm.datasets.synthetic.layouts import LAYOUTS
from das_mm.errors import UserError
from das_mm.tools.convert import run as run_convert
from tests.datasets.converters.deadly import Deadly

SIZE = (160, 120)  # width, height
SQUARE = [40, 20, 60, 20, 60, 40, 40, 40]


def area(mask):
    return int(coco_mask.area(mask))


def test_masks_of_every_kind():
    square = run_lengths([SQUARE], SIZE)
    assert square['size'] == [120, 160] and area(square) == pytest.approx(400, abs=45)
    assert run_lengths(square, SIZE) == square  # text, as it is
    counts = [10 * 120, 30, 120 * 160 - 10 * 120 - 30]
    assert area(run_lengths(dict(size=[120, 160], counts=counts), SIZE)) == 30
    for seed in range(20):  # our reading of COCO's text agrees with its library
        mask = np.asfortranarray(np.random.default_rng(seed).random((120, 160)) < 0.5 / (seed + 1), np.uint8)
        packed = coco_mask.encode(mask)
        assert run_lengths(dict(size=[120, 160], counts=packed['counts'].decode()), SIZE) is not None
    assert all(run_lengths(nothing, SIZE) is None for nothing in (None, [], [[1, 2, 3, 4]]))
    assert area(run_lengths([[-3, -3, 10, -3, 10, 10]], SIZE)) > 20  # a little out of the image


@pytest.mark.parametrize(
    'damaged',
    [
        [[float('nan')] * 8],
        [[1e300, 0, 1e300, 5, 0, 5]],
        [[40, 20, 60, 20, 60, 40, 1e7, 40]],
        [SQUARE[:-1]],
        [['x'] * 6],
        [5],
        'text',
        5,
        {},
        dict(size=[120, 160]),
        dict(counts=[19200]),
        dict(size=[160, 120], counts=[19200]),
        dict(size=[120, 160], counts=[150]),
        dict(size=[120, 160], counts=[-1, 19201]),
        dict(size=[120, 160], counts=[19200.5]),
        dict(size=[120, 160], counts=[10**400]),
        dict(size=[120, 160], counts='zz'),
        dict(size=[120, 160], counts='~'),
        dict(size=[120, 160], counts=run_lengths([SQUARE], SIZE)['counts'][:-2]),
        dict(size=[120, 160], counts='oooooooooo0'),
    ],
)
def test_damaged_masks_meet_no_library(damaged):
    with pytest.raises(DamagedMask):
        run_lengths(damaged, SIZE)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 8e6  # kB


@pytest.fixture
def coco(scenes, tmp_path):
    """COCO's layout of three scenes, and a function that edits its json."""
    root = tmp_path / 'coco'
    LAYOUTS.get('coco')().write(scenes[:3], root, 'val')
    file = root / 'annotations' / 'person_keypoints_val2017.json'

    def edit(change):
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content))

    return root, edit


def convert(root, **options):
    report = run_conversion(CONVERTERS.get('coco')(root, 'val', **options), root.parent / 'out.json')
    return report, json.loads(report.out.read_text())


def test_damaged_masks_are_left_out_and_counted(coco):
    root, edit = coco
    edit(lambda content: content['annotations'][0].update(segmentation=[[float('nan')] * 6]))
    report, content = convert(root)
    assert report.counts['masks left out: a polygon lies far outside of the image'] == 1
    assert 'segmentation' not in content['annotations'][0] and 'segmentation' in content['annotations'][1]


def test_swapped_sizes_are_told(coco):
    root, edit = coco

    def swap(content):
        for image in content['images'][:2]:
            image['width'], image['height'] = image['height'], image['width']

    edit(swap)
    report, content = convert(root)
    kind = 'images whose width and height are not those of their file: a training leaves them out'
    assert report.counts[kind] == 2 and report.counts['images'] == 3
    (note,) = [note for note in report.notes if kind in note]
    assert '000000000139.jpg is 192x128 px' in note and 'says 128x192 (width, height)' in note
    warned = check_annotation_file(report.out, images=root).warnings
    assert next(w for w in warned if w.kind.field == 'images.width, height').count == 2
    steps = [dict(type='LoadImage'), dict(type='PackDASInputs')]
    dataset = DASDataset(str(report.out), 'coco17', data_prefix=dict(img=str(root)), pipeline=steps)
    assert {dataset[row]['data_samples'].metainfo['img_id'] for row in range(3)} == {content['images'][2]['id']}


def test_areas_that_are_not_given_are_those_of_boxes(coco):
    root, edit = coco
    edit(lambda content: [person.pop('area') for person in content['annotations'][:2]])
    report, content = convert(root)
    assert report.counts['people without an area: that of the box is taken'] == 2
    for person in content['annotations'][:2]:
        assert person['area'] == pytest.approx(np.prod(person['bbox'][2:]), abs=0.01)


def test_images_without_people_are_drawn(coco, capsys, monkeypatch):
    root, edit = coco
    edit(lambda content: content['annotations'].clear())
    arguments = dict(name='coco', root=str(root), split='val', out=str(root / 'out.json'), workers=0)
    arguments |= dict(skip_checks=False, keep_going=False)
    assert run_convert(argparse.Namespace(**arguments)) == 0
    assert cv2.imread(str(root / 'out.png')) is not None
    assert len(json.loads((root / 'out.json').read_text())['images']) == 3
    monkeypatch.setattr('das_mm.visualization.annotation_sheet.contact_sheet', None)  # whatever goes wrong there
    assert run_convert(argparse.Namespace(**arguments)) == 0
    assert 'no picture: it cannot be drawn' in capsys.readouterr().out


@pytest.mark.parametrize('name', ['coco', 'crowdpose', 'muco', 'mupots', 'posetrack18'])
def test_without_images(scenes, clip, tmp_path, name):
    """The same entries as with the images, which may be absent."""
    root = tmp_path / name
    split = {'mupots': 'test', 'coco': 'val', 'posetrack18': 'val'}.get(name, 'train')
    LAYOUTS.get(name)().write(clip[:4] if name in ('mupots', 'posetrack18') else scenes[:3], root, split)
    if name == 'posetrack18':
        for file in root.glob('annotations/val/*.json'):
            content = json.loads(file.read_text())
            for image in content['images']:
                image |= dict(width=192, height=128)
            file.write_text(json.dumps(content))
    convert = lambda out, **more: json.loads(
        run_conversion(CONVERTERS.get(name)(root, split, **more), tmp_path / out).out.read_text()
    )
    whole = convert('with.json')
    for path in [*root.rglob('*.jpg'), *root.rglob('*.png')]:
        path.unlink()
    alone = convert('without.json', without_images=True)
    assert alone['images'] == whole['images'] and alone['annotations'] == whole['annotations']


def rename(root, new):
    for path in sorted((root / 'val2017').iterdir()):
        path.rename(path.with_name(new(path.name)))


def test_missing_images_get_a_hint(coco, caplog):
    root, edit = coco
    whole = convert(root)[0].out.read_text()
    file = root.parent / 'whole.json'
    file.write_text(whole)
    first = next(iter(sorted((root / 'val2017').iterdir())))
    first.rename(first.with_suffix('.JPG'))
    hint = 'for val2017/000000000139.jpg there is 000000000139.JPG: upper and lower case differ'
    report, _ = convert(root)
    assert report.counts['images missing'] == 1 and any(hint in note for note in report.notes)
    warned = check_annotation_file(file, images=root).warnings
    assert [w.examples for w in warned if 'differ a little' in w.kind.problem] == [[hint]]
    with pytest.raises(UserError, match='upper and lower case differ'):
        DASDataset(str(file), 'coco17', data_prefix=dict(img=str(root)), missing_images='error')
    first.with_suffix('.JPG').rename(first.with_suffix('.png'))
    assert any('the endings differ' in note for note in convert(root)[0].notes)
    first.with_suffix('.png').rename(first)
    edit(lambda content: content['images'][0].update(file_name='.\\000000000139.jpg'))
    assert any('holds backslashes, as Windows writes them' in note for note in convert(root)[0].notes)


def test_numbers_shifted_by_one_get_a_hint(clip, tmp_path):
    root = tmp_path / 'mupots'
    LAYOUTS.get('mupots')().write(clip[:4], root, 'test')
    (folder,) = [path.parent for path in root.rglob('annot.mat')]
    for path in sorted(folder.glob('img_*.jpg'), reverse=True):
        path.rename(path.with_name(f'img_{int(path.stem[4:]) + 1:06d}.jpg'))
    report = run_conversion(CONVERTERS.get('mupots')(root, 'test'), tmp_path / 'out.json')
    assert report.counts['images missing'] == 1
    assert any('with numbers greater by one all of its folder are' in note for note in report.notes)


def test_a_killed_worker_is_told(tmp_path):
    with pytest.raises(UserError, match='(?s)a worker process was killed.*deadly.*fewer --workers'):
        run_conversion(Deadly(tmp_path), tmp_path / 'out.json', workers=2)


def test_marks_and_places_of_mat_files(scenes, tmp_path):
    root = tmp_path / 'lspet'
    LAYOUTS.get('lspet')().write(scenes[:3], root, 'train')
    joints = loadmat(root / 'joints.mat')['joints'].astype(float)
    row, joint = next((row, joint) for row in range(3) for joint in range(14) if joints[joint, 2, row] > 0)
    joints[joint, :2, row] = np.nan
    savemat(root / 'joints.mat', dict(joints=joints))
    report = run_conversion(CONVERTERS.get('lspet')(root), tmp_path / 'out.json')
    assert report.counts['joints left out: NaN, or beyond all images'] == 1
    person = json.loads(report.out.read_text())['annotations'][row]
    assert person['keypoints'][3 * joint : 3 * joint + 3] == [0, 0, 0]
    joints[joint, 2, row] = 0.87
    savemat(root / 'joints.mat', dict(joints=joints))
    with pytest.raises(UserError, match='third number: is neither true nor false'):
        run_conversion(CONVERTERS.get('lspet')(root), tmp_path / 'out.json')
