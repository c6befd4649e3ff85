"""The README of the data folder: its examples of the format, and that it describes every field."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import das_mm
from das_mm.datasets.checks import check_annotation_file
from tests.toy import write_toy_dataset

README = (Path(das_mm.__file__).parent / 'datasets' / 'README.md').read_text(encoding='utf-8')


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf'^```{language}\n(.*?)^```$', README, re.DOTALL | re.MULTILINE)


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
