import json
import random

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.evaluation import finite_or_none, read_result_file, write_result_file


def images():
    person = dict(
        score=0.5,
        keypoints_3d=[[1.0, 2.0, 3.0]],
        keypoints=[[4.0, 5.0, 0.5]],
        root_depth=3.0,
        bbox=[1.0, 2.0, 3.0, 4.0],
    )
    return [dict(image_id=7, persons=[person, dict(person, track_id=3)]), dict(image_id=8, persons=[])]


@pytest.mark.parametrize('ending', ['json', 'npz'])
def test_what_is_written_is_read(tmp_path, ending):
    path = tmp_path / 'new' / f'r.{ending}'
    write_result_file(path, images())
    assert read_result_file(path) == images()
    assert [p.name for p in path.parent.iterdir()] == [path.name]  # no temporary file is left


@pytest.mark.parametrize('ending', ['json', 'npz'])
def test_numbers_that_are_not_finite_stay_readable(tmp_path, ending):
    broken = images()
    broken[0]['persons'][0]['keypoints_3d'] = [[float('nan'), float('inf'), 3.0]]
    write_result_file(tmp_path / f'r.{ending}', broken)
    read = read_result_file(tmp_path / f'r.{ending}')
    assert read[0]['persons'][0]['keypoints_3d'] == [[None, None, 3.0]]


def test_npz_needs_no_pickle(tmp_path):
    write_result_file(tmp_path / 'r.npz', images())
    with np.load(tmp_path / 'r.npz', allow_pickle=False) as arrays:
        assert arrays['keypoints_3d_mm'].shape == (2, 1, 3)
        assert arrays['track_ids'].tolist() == [-1, 3]


def test_no_people_at_all(tmp_path):
    write_result_file(tmp_path / 'r.npz', [dict(image_id='a', persons=[])])
    assert read_result_file(tmp_path / 'r.npz') == [dict(image_id='a', persons=[])]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'r.json'
    write_result_file(path, images())
    before = path.read_text()
    with pytest.raises(TypeError):
        write_result_file(path, [dict(image_id=object(), persons=[])])
    assert path.read_text() == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    'damage, told',
    [
        (lambda text: text[:-20], 'not a result file'),
        (lambda text: text.replace('"persons"', '"people"'), 'persons'),
        (lambda text: text.replace('"bbox": [', '"box": ['), 'bbox'),
    ],
)
def test_damaged_files_are_named(tmp_path, damage, told):
    path = tmp_path / 'r.json'
    write_result_file(path, images())
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match=told) as error:
        read_result_file(path)
    assert str(path) in str(error.value)


def test_damaged_npz(tmp_path):
    path = tmp_path / 'r.npz'
    write_result_file(path, images())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match='not a result file'):
        read_result_file(path)


def test_bad_places(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='cannot be written'):
        write_result_file(tmp_path / 'file' / 'r.json', images())
    with pytest.raises(UserError, match='must end in'):
        write_result_file(tmp_path / 'r.pkl', images())
    with pytest.raises(UserError, match='cannot be read'):
        read_result_file(tmp_path / 'none.json')


def test_finite_or_none_of_numpy():
    assert (
        json.dumps(finite_or_none(dict(a=np.float32('nan'), b=np.arange(2), c=np.float64(1.5))))
        == '{"a": null, "b": [0, 1], "c": 1.5}'
    )


@pytest.mark.parametrize(
    'spoil, field, told',
    [
        (lambda all_: all_[0]['persons'][0].update(score='x'), 'images[0].persons[0].score', 'must be number or null'),
        (lambda all_: all_[0]['persons'][0].update(bbox=[1]), 'images[0].persons[0].bbox', 'at least 4 items'),
        (lambda all_: all_[0]['persons'][0].update(score=10**400), 'images[0].persons[0].score', 'smaller than'),
        (lambda all_: all_[0].update(persons=None), 'images[0].persons', 'must be array'),
        (lambda all_: all_[0].pop('image_id'), 'images[0].image_id', 'is missing'),
    ],
)
def test_fields_of_another_kind_are_named(tmp_path, spoil, field, told):
    spoilt = json.loads(json.dumps(images()))
    spoil(spoilt)
    (tmp_path / 'r.json').write_text(json.dumps(dict(images=spoilt)))
    with pytest.raises(UserError, match=told) as caught:
        read_result_file(tmp_path / 'r.json')
    assert caught.value.field == field and caught.value.remedy


@pytest.mark.parametrize('ending', ['json', 'npz'])
def test_damaged_bytes_give_people_or_an_error(tmp_path, ending):
    chance, path, outcomes = random.Random(0), tmp_path / f'r.{ending}', set()
    write_result_file(path, images())
    whole = path.read_bytes()
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 2, 6])):
            data[chance.randrange(len(data))] = chance.choice([*b'09[]{},".-', chance.randrange(256)])
        path.write_bytes(data)
        try:
            found = read_result_file(path)
            assert all(len(person['bbox']) == 4 for image in found for person in image['persons'])
            outcomes.add('people')
        except UserError as error:
            assert error.remedy and error.field and str(error.file) == str(path)
            outcomes.add('error')
    assert outcomes == {'people', 'error'}
