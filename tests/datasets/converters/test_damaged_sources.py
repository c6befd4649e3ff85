"""A damaged source ends in a clear error or in a file that training reads: a few hundred damages to each data set."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from das_mm.datasets.converters import CONVERTERS
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.converters.h36m_entries import read_metadata
from das_mm.datasets.datasets import read_annotation_file
from das_mm.datasets.synthetic.layouts import LAYOUTS
from das_mm.datasets.synthetic.layouts.h36m import H36MLayout
from das_mm.engine import isolated_calls
from das_mm.errors import UserError
from tests.datasets.mutations import damaged_bytes, dump, mutations


def scenes_of(name, scenes, clip):
    """A few scenes in the form that a layout wants."""
    if name in ('coco', 'crowdpose', 'panoptic', 'muco'):
        return scenes[:3]
    if name in ('mpii', 'lsp', 'lspet', 'up-3d'):
        return scenes[:4]
    return [replace(scene, seq='000') for scene in clip[:4]] if name in ('posetrack18', '3dpw') else clip[:4]


SETS = {
    # split, options of the converter, files to be damaged as json, files to be damaged in their bytes, how often
    'coco': ('val', {}, 'annotations/*.json', 'annotations/*.json', 300),
    'crowdpose': ('train', {}, 'annotations/*.json', 'annotations/*.json', 150),
    'posetrack18': ('val', {}, 'annotations/val/*.json', 'annotations/val/*.json', 200),
    'panoptic': (
        'train',
        dict(frames='all', keep_incomplete=True),
        '*/*/body*.json,*/calib*.json',
        '*/*/body*.json',
        200,
    ),
    'muco': ('train', {}, 'annotations/*.json', 'annotations/*.json', 200),
    'mupots': ('test', {}, '*.json', '*/*/annot.mat', 100),
    'mpii': ('trainval', {}, None, '*.mat', 60),
    'lsp': ('train', {}, None, 'joints.mat', 60),
    'lspet': ('train', {}, None, 'joints.mat', 60),
    'up-3d': ('train', {}, None, 'train.txt,*_joints.npy,*_body.pkl', 60),
    'mpi-inf-3dhp': ('train', dict(every=1, keep='all'), None, '*/*/annot.mat,*/*/camera.calibration', 100),
    'h36m': ('train', dict(every=1), None, 'metadata.xml,*/MyPoseFeatures/*/*.cdf', 90),
    '3dpw': ('validation', {}, None, 'sequenceFiles/*/*.pkl', 150),
}


@pytest.fixture(scope='module')
def archive(scenes, clip, tmp_path_factory):
    """Writes the layout of a data set; its folder."""

    def write(name):
        root = tmp_path_factory.mktemp(name)
        layout = H36MLayout() if name == 'h36m' else LAYOUTS.get(name)()
        layout.write(scenes_of(name, scenes, clip), root, SETS[name][0])
        return root

    return write


def files(root, patterns):
    return sorted(path for pattern in (patterns or '').split(',') if pattern for path in root.glob(pattern))


def convert(name, root, words):
    """Converts; whether it could be. Whatever is written is read by a training."""
    split, options, *_ = SETS[name]
    read_metadata.cache_clear()
    out = root.parent / f'{name}.json'
    try:
        report = run_conversion(CONVERTERS.get(name)(root, split, **options), out)
    except UserError as error:
        assert 'remedy' in str(error) and str(root) in str(error), words
        return False
    read_annotation_file(str(report.out))
    return True


@pytest.mark.parametrize('name', SETS)
def test_a_few_hundred_damages(archive, name, monkeypatch):
    root = archive(name)
    monkeypatch.setattr(isolated_calls, 'LIMIT_S', 5.0)
    monkeypatch.setattr(os, 'fsync', lambda handle: None)  # nothing is kept, and the disk need not be waited for
    assert convert(name, root, 'whole')
    *_, as_json, in_bytes, number = SETS[name]
    outcomes = []
    for kind, patterns in (('json', as_json), ('bytes', in_bytes)):
        paths = files(root, patterns)
        assert paths or patterns is None, patterns
        for row, path in enumerate(paths[:3]):
            whole, times = path.read_bytes(), number // (2 if as_json else 1) // min(len(paths), 3)
            damages = (
                ((words, dump(content).encode()) for words, content in mutations(json.loads(whole), times, seed=row))
                if kind == 'json'
                else damaged_bytes(whole, times, seed=row)
            )
            for words, data in damages:
                path.write_bytes(data)
                outcomes.append(convert(name, root, f'{path.name}: {words}'))
            path.write_bytes(whole)
    assert len(outcomes) >= number // 2 and not all(outcomes)
