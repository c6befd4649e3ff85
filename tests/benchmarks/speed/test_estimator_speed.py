"""`das-mm speed` of a model that is no DAS, whatever its class."""

from __future__ import annotations

import json

import pytest
from mmengine.config import Config
from mmengine.structures import InstanceData

from das_mm.benchmarks.speed import measure_estimator
from das_mm.cli import main
from tests.toy_person import CONFIG, PERSON_VIEW, BrightestPlace


class WholeImages(BrightestPlace):
    """It finds nobody."""

    input_view = 'image'

    def person(self, meta, place):
        return InstanceData()


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'crops.py'
    path.write_text(CONFIG.format(model='BrightestSpot', pipeline=PERSON_VIEW))
    return path


def test_time_of_a_person_beside_the_network(config, tmp_path, capsys):
    words = ['--batch', '3', '1', '--runs', '2', '--warmup', '0', '--device', 'cpu']
    assert main(['speed', str(config), *words, '--out', str(tmp_path / 'out')]) == 0
    result = json.loads((tmp_path / 'out' / 'estimator.json').read_text())
    assert [row['batch'] for row in result['rows']] == [3, 1]
    for row in result['rows']:
        parts = {name: spread['median'] for name, spread in row['each_s'].items()}
        assert set(parts) == {'input', 'network', 'people', 'whole'} and min(parts.values()) > 0
        assert parts['whole'] > parts['input'] and row['each_s']['whole']['count'] == 2
        assert row['over_network']['median'] > 1 and row['peak_memory_bytes'] > 0
    assert 'over network' in capsys.readouterr().out


def test_time_of_an_image():
    """An estimator that reads whole images and has no head of DAS's."""
    steps = [dict(type='LoadImage'), dict(type='DASResize', input_size=(32, 32)), dict(type='PackDASInputs')]
    model = WholeImages(dict(type='mmpose.PoseDataPreprocessor')).eval()
    model.cfg = Config(dict(default_scope='das_mm', test_dataloader=dict(dataset=dict(pipeline=steps))))
    model.dataset_meta = dict(keypoint_set='panoptic15')
    rows = measure_estimator(model, [2], runs=1, warmup=0)
    assert rows[0]['batch'] == 2 and rows[0]['each_s']['whole']['median'] > 0


def test_options_of_das_are_refused(config, tmp_path, capsys):
    assert main(['speed', str(config), '--people', '3', '--out', str(tmp_path / 'out'), '--device', 'cpu']) == 2
    assert '--people: of a model that is no DAS' in capsys.readouterr().err
