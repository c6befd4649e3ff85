"""The README of the data folder is run as it stands: its snippets, its commands, its examples of the format."""

from __future__ import annotations

import json
import re
import runpy
import shlex
from pathlib import Path

import pytest
import torch

import das_mm
from das_mm.cli import main
from das_mm.datasets.checks import check_annotation_file
from tests.toy import write_toy_dataset

README = (Path(das_mm.__file__).parent / 'datasets' / 'README.md').read_text(encoding='utf-8')


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf'^```{language}\n(.*?)^```$', README, re.DOTALL | re.MULTILINE)


def run(line: str) -> None:
    """A line of a shell, in this process: importing torch for each would take longer than all the rest."""
    program, *words = shlex.split(line, comments=True)
    if program == 'python':
        runpy.run_path(words[0], run_name='__main__')
    else:
        assert program == 'das-mm' and main(words) == 0, line


def test_the_tutorial(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for snippet in blocks('python'):
        named = re.match(r'# (\w+\.py)', snippet)
        if named is None:
            assert snippet.startswith('dict(')  # a part of a config, not of the tutorial
            continue
        Path(named[1]).write_text(snippet)
    lines = [line for block in blocks('bash') for line in block.splitlines()]
    assert [line.split()[:2] for line in lines] == [['python', 'make_mine.py']] + [
        ['das-mm', verb] for verb in ('data', 'browse', 'train', 'test', 'infer')
    ]
    for line in lines:
        run(line)
    said = capsys.readouterr().out
    assert 'mine/train.json: no faults\n' in said  # and no warnings
    assert Path('mine/sheet.png').stat().st_size > 10000 and list(Path('browse').rglob('sheet.*'))
    first, last = (
        torch.load(f'work_dirs/my_config/epoch_{epoch}.pth', weights_only=True)['state_dict'] for epoch in (1, 2)
    )
    assert any(not torch.equal(first[name], last[name]) for name in first)  # something was learnt
    assert (
        'given by the user' in said
        and list(Path('mine/found').rglob('*.json'))
        and list(Path('mine/found').rglob('*.html'))
    )


@pytest.mark.parametrize('number', [0, 1])
def test_the_examples_of_the_format(tmp_path, number):
    file = tmp_path / 'example.json'
    file.write_text(blocks('json')[number])
    report = check_annotation_file(file)
    assert report.faults == [] and report.summary['people'] == 1
    problems = [finding.kind.problem for finding in report.warnings]
    assert problems == [[], ['are all at the same depth']][number]
    assert report.summary['people_with_3d'] == number


def test_every_field_is_described(tmp_path):
    """Those that the package itself writes, with all that is optional."""
    content = json.loads(Path(write_toy_dataset(tmp_path, num_images=2, people=(1, 1))).read_text())
    described = set(re.findall(r'`\.?([a-z_0-9]+)`', README)) | {'cam_param'}
    written = {key for rows in ('images', 'annotations') for entry in content[rows] for key in entry}
    optional = {
        'depth_file',
        'view',
        'ignore_regions',
        'is_labeled',
        'crowd_index',
        'segmentation',
        'occluded',
        'visibility',
        'smpl',
        'keypoints_3d_univ',
        'head_bbox',
    }
    assert written | optional <= described
