"""`das-mm speed` of a model that reads crops of people, whatever its class."""

from __future__ import annotations

import json

import pytest

from das_mm.cli import main
from tests.toy_person import CONFIG, PERSON_VIEW


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'crops.py'
    path.write_text(CONFIG.format(model='BrightestSpot', pipeline=PERSON_VIEW))
    return path


def test_time_of_a_person_beside_the_network(config, tmp_path, capsys):
    words = ['--batch', '3', '1', '--runs', '2', '--warmup', '0', '--device', 'cpu']
    assert main(['speed', str(config), *words, '--out', str(tmp_path / 'out')]) == 0
    result = json.loads((tmp_path / 'out' / 'crops.json').read_text())
    assert [row['batch'] for row in result['rows']] == [3, 1]
    for row in result['rows']:
        parts = {name: spread['median'] for name, spread in row['person_s'].items()}
        assert set(parts) == {'crops', 'network', 'people', 'whole'} and min(parts.values()) > 0
        assert parts['whole'] > parts['crops'] and row['person_s']['whole']['count'] == 2
        assert row['over_network']['median'] > 1 and row['peak_memory_bytes'] > 0
    assert 'over network' in capsys.readouterr().out


def test_options_of_whole_images_are_refused(config, tmp_path, capsys):
    assert main(['speed', str(config), '--people', '3', '--out', str(tmp_path / 'out'), '--device', 'cpu']) == 2
    assert '--people: this model reads crops of people' in capsys.readouterr().err
