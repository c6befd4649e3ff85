"""MuCo-3DHP: layout written from synthetic scenes, converted, compared with the scenes' truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from das_mm.datasets import DASDataset
from das_mm.datasets.converters import muco
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.converters.moon_json import index_moon_json, read_slice
from das_mm.datasets.converters.muco import MuCoConverter
from das_mm.datasets.synthetic.layouts.muco import MuCoLayout
from das_mm.errors import UserError


@pytest.fixture
def written(scenes, tmp_path) -> Path:
    MuCoLayout().write(scenes, tmp_path / 'muco', 'train')
    return tmp_path / 'muco'


@pytest.fixture
def source(written) -> Path:
    return written / 'annotations' / 'MuCo-3DHP.json'


def converted(root, **options):
    report = run_conversion(MuCoConverter(root, **options), root / 'out.json')
    return report, json.loads(report.out.read_text())


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def in_image(points_px):
    return ((points_px >= -0.5) & (points_px < [191.5, 127.5])).all(1)


def test_equals_the_truth_of_the_scenes(scenes, written, monkeypatch):
    monkeypatch.setattr(muco, '_IMAGES_A_JOB', 3)
    assert len(MuCoConverter(written).jobs()) == 3
    report, content = converted(written)
    dataset = DASDataset(ann_file=str(report.out), data_root=str(written), keypoint_set='muco21')
    assert len(dataset) == len(scenes)
    stored = {}
    for annotation in content['annotations']:
        stored.setdefault(annotation['image_id'], []).append(annotation)
    for i, scene in enumerate(scenes):
        record = dataset.get_data_info(i)
        np.testing.assert_allclose(record['camera']['K'], scene.K)
        assert record['camera']['dist'] is None and record['seq'] == ('unaugmented_set' if i % 2 else 'augmented_set')
        people = [person for person in scene.people if in_image(person.px('muco21')).any()]
        assert len(record['bbox']) == len(people)
        for n, person in enumerate(people):
            inside, hidden = in_image(person.px('muco21')), person.seen('muco21') == 1
            np.testing.assert_allclose(record['keypoints_3d'][n], person.mm('muco21'), atol=0.02)
            np.testing.assert_allclose(record['keypoints'][n], person.px('muco21'), atol=0.02)
            np.testing.assert_array_equal(record['keypoints_flags'][n], np.where(inside & ~hidden, 2, 1))
            assert record['root_depth_mm'][n] == pytest.approx(person.mm('muco21')[14, 2], abs=0.02)
            assert stored[i + 1][n]['visibility'] == np.where(inside, np.where(hidden, 1, 2), 0).tolist()
            x1, y1, x2, y2 = record['bbox'][n]  # the source's box reaches out of the image
            assert 0 <= x1 < x2 <= 192 and 0 <= y1 < y2 <= 128
    assert MuCoConverter(written).expected() == {'images': 'about 400 000'}


def test_parts_and_intervals(scenes, written):
    _, content = converted(written, part='unaugmented')
    assert [image['file_name'].split('/')[0] for image in content['images']] == ['unaugmented_set'] * 4
    _, content = converted(written, part='augmented', interval=3)
    assert [Path(image['file_name']).stem for image in content['images']] == ['composite_000000', 'composite_000006']
    assert MuCoConverter(written, part='augmented', interval=2).expected() == {'images': 'about 100 000'}


def test_entries_in_any_order(written, source):
    """Nothing promises that the people of an image stand together."""
    before = converted(written)[1]['annotations']
    edit(source, lambda content: content['annotations'].reverse())
    after = converted(written)[1]['annotations']
    key = lambda a: (a['image_id'], a['keypoints_3d'])
    assert sorted(map(key, before)) == sorted(map(key, after))
    index = index_moon_json(source)
    slices = index.slice([1, 2, 5])
    assert len(slices['images']) == 2  # neighbours are one range
    assert [image['id'] for image, _ in read_slice(source, slices)] == [1, 2, 5]
    assert all(person['image_id'] == image['id'] for image, people in read_slice(source, slices) for person in people)


def test_people_out_of_the_image_and_missing_images(scenes, written, source):
    def push_out(content):
        for name in ('keypoints_img', 'keypoints_cam'):
            points = np.array(content['annotations'][0][name])
            points[:, 0] += 5000
            content['annotations'][0][name] = points.tolist()

    edit(source, push_out)
    next((written / 'augmented_set').rglob('composite_000002.jpg')).unlink()
    report, content = converted(written)
    assert report.counts['people dropped: out of the image'] >= 1
    assert report.counts['images missing'] == 1 and any('composite_000002' in note for note in report.notes)
    names = [Path(image['file_name']).stem for image in content['images']]
    assert 'composite_000002' not in names and len(names) == len(scenes) - 1
    first = [a for a in content['annotations'] if a['image_id'] == 1]
    assert len(first) == len(scenes[0].people) - 1


@pytest.mark.parametrize('factor', [0.1, 0.001])
def test_slips_of_units_are_noticed(written, source, factor):
    def scale(content):
        for annotation in content['annotations']:
            annotation['keypoints_cam'] = (factor * np.array(annotation['keypoints_cam'])).tolist()

    edit(source, scale)
    with pytest.raises(UserError, match='wrong units'):
        converted(written)


def test_a_wrong_camera_is_noticed(written, source):
    edit(source, lambda content: [image.update(c=[image['c'][0] + 30, image['c'][1]]) for image in content['images']])
    with pytest.raises(UserError, match='wrong camera'):
        converted(written)


def _cut(path):
    path.write_text(path.read_text()[:-200])


@pytest.mark.parametrize(
    'damage, told',
    [
        (_cut, 'cut short'),
        (lambda path: path.write_text(''), 'is empty'),
        (lambda path: path.unlink(), 'is not there'),
        (lambda path: path.write_text('{"images": []}'), 'annotations: is missing'),
        (lambda path: edit(path, lambda c: c['annotations'][1]['keypoints_cam'].pop()), 'keypoints_cam: is not 21x3'),
        (lambda path: edit(path, lambda c: c['images'][1].pop('f')), r'images \(id 1\).f: is missing'),
        (lambda path: edit(path, lambda c: c['annotations'][1].update(image_id=77)), 'belongs to no image'),
        (lambda path: edit(path, lambda c: c['images'][1].update(id=0)), 'the same number'),
        (
            lambda path: edit(path, lambda c: c['annotations'][0].update(bbox=[float('nan')] * 4)),
            'bbox: is not 4 finite',
        ),
    ],
)
def test_damage_is_told_with_its_field(written, source, damage, told):
    damage(source)
    with pytest.raises(UserError, match=told) as error:
        converted(written)
    assert 'MuCo-3DHP.json' in str(error.value)


@pytest.mark.parametrize('options', [dict(part='half'), dict(interval=0), dict(split='test')])
def test_impossible_options(written, options):
    with pytest.raises(UserError):
        MuCoConverter(written, **options)
