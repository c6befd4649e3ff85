"""`das-mm train`, `test` and `infer` with a small network of this project, on stick figures."""

from __future__ import annotations

import json

import pytest
from mmengine.registry import DefaultScope

from das_mm.cli import main
from projects.rle.tests.people_files import write_people

CONFIG = 'rle_tiny_1xb32-4e_lspet-64x64.py'


@pytest.fixture(scope='module', autouse=True)
def own_default_scope():
    """mmengine's default scope is process-wide: what a run sets must not reach the next test."""
    before = DefaultScope._instance_dict.copy()
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


def test_trains_tests_and_infers(tmp_path, capsys):
    people = write_people(tmp_path, 'lsp14', num=4)
    data = [
        f'{loader}_dataloader.dataset.{key}={value}'
        for loader in ('train', 'val', 'test')
        for key, value in dict(data_root=f'{tmp_path}/', ann_file='people.json').items()
    ]
    data += [f'{loader}_dataloader.dataset.data_prefix.img=""' for loader in ('train', 'val', 'test')]
    data += [f'{name}_evaluator.0.ann_file={people}' for name in ('val', 'test')]
    short = [
        'train_cfg.max_epochs=1',
        'train_cfg.val_interval=1',
        'param_scheduler.1.end=1',
        'param_scheduler.1.T_max=1',
    ]
    work = tmp_path / 'work'
    assert main(['train', CONFIG, '--work-dir', str(work), '--cfg-options', *data, *short]) == 0
    weights = work / 'epoch_1.pth'
    assert weights.is_file()
    assert main(['test', CONFIG, str(weights), '--work-dir', str(tmp_path / 'test'), '--cfg-options', *data]) == 0
    scalars = next((tmp_path / 'test').glob('*/*.json')).read_text()
    assert 'confidence/pearson' in scalars and 'coco/AP' in scalars

    photo = next(tmp_path.glob('S9_*/*.png'))
    out = tmp_path / 'out'
    assert main(['infer', str(photo), '--weights', str(weights), '--boxes', 'image', '--out', str(out)]) == 0
    (person,) = json.loads(next(out.glob('predictions/*.json')).read_text())['people']
    assert len(person['keypoints_px']) == 14 and 0 < person['score'] < 1
    capsys.readouterr()
