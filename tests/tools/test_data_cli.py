"""`das-mm data`: exit statuses, words, json and pictures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from das_mm.cli import main
from das_mm.structures import KEYPOINT_SETS
from tests.toy import write_toy_dataset


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    root = tmp_path_factory.mktemp('toy')
    return Path(write_toy_dataset(root, num_images=5, people=(1, 2))), root / 'images'


@pytest.fixture
def edited(toy, tmp_path):
    def write(edit):
        content = json.loads(toy[0].read_text())
        edit(content)
        (tmp_path / 'mine.json').write_text(json.dumps(content))
        return str(tmp_path / 'mine.json')

    return write


def test_a_good_file(toy, capsys, tmp_path):
    assert main(['data', 'check', str(toy[0]), '--images', str(toy[1]), '--sheet', str(tmp_path / 'sheet.png')]) == 0
    said = capsys.readouterr().out
    assert f'{toy[0]}: no faults\n' in said and 'WARNING' not in said
    assert 'right_ankle' in said and 'people with 3d' in said and f'wrote {tmp_path / "sheet.png"}' in said
    assert cv2.imread(str(tmp_path / 'sheet.png')).std() > 10


def test_warnings_alone_are_no_failure(edited, toy, capsys):
    file = edited(lambda content: content['images'][0].update(file_name='gone.png'))
    assert main(['data', 'check', file, '--images', str(toy[1])]) == 0
    said = capsys.readouterr().out
    assert 'WARNING  images.file_name names a file that does not exist (1x)' in said
    assert 'what to do:    check --images' in said and 'image id 1, gone.png' in said
    assert 'no faults, 1 kind of warning' in said


def test_faults(edited, capsys):
    def spoil(content):
        for person in content['annotations']:
            person['bbox'] = person['bbox'][:3]
        content['images'][2]['width'] = -1

    file = edited(spoil)
    number = len(json.loads(Path(file).read_text())['annotations'])
    assert main(['data', 'check', file]) == 1
    said = capsys.readouterr().out
    assert f'FAULT  annotations.bbox does not have the shape 4 ({number}x)' in said
    assert 'annotations[0] (id 1, 000001.png): has 3' in said  # square brackets are no markup
    assert f'… and {number - 5} more' in said and '2 kinds of fault' in said


def test_json(edited, capsys):
    assert main(['data', 'check', edited(lambda content: content['images'][1].pop('height')), '--json']) == 1
    report = json.loads(capsys.readouterr().out)
    assert [(fault['field'], fault['count']) for fault in report['faults']] == [('images.height', 1)]
    assert report['summary']['images'] == 4 and report['summary']['keypoint_set'] == 'panoptic15'


def test_no_annotation_file_and_no_images(tmp_path, toy, capsys):
    assert main(['data', 'check', str(tmp_path / 'none.json')]) == 2
    assert main(['data', 'check', str(next(toy[1].iterdir()))]) == 2
    assert main(['data', 'check', str(toy[0]), '--images', str(tmp_path / 'none')]) == 2
    assert main(['data', 'check', str(toy[0]), '--sheet', str(tmp_path / 'a.png')]) == 2
    said = capsys.readouterr()
    assert said.out == '' and 'does not exist' in said.err and 'give their folder by --images' in said.err


def test_nothing_to_draw(toy, tmp_path, capsys):
    (tmp_path / 'empty').mkdir()
    sheet = tmp_path / 'sheet.png'
    assert main(['data', 'check', str(toy[0]), '--images', str(tmp_path / 'empty'), '--sheet', str(sheet)]) == 0
    assert 'no picture' in capsys.readouterr().out and not sheet.exists()


def test_skeletons(tmp_path, capsys):
    assert main(['data', 'skeletons', '--out', str(tmp_path / 'sets')]) == 0
    assert f'{len(KEYPOINT_SETS)} keypoint sets' in capsys.readouterr().out
    assert len(list((tmp_path / 'sets').glob('*.png'))) == len(KEYPOINT_SETS) + 1
