"""What an ONNX file says of its model chooses nothing that is run, whoever renewed its sum."""

from __future__ import annotations

import json
import sys

import onnx
import pytest

from das_mm.checkpoints.config_text import read_config_values
from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.onnx_file import PREFIX
from das_mm.checkpoints.onnx_model import load_onnx_model
from das_mm.checkpoints.onnx_sum import with_sum
from das_mm.checkpoints.packaged import packaged_graph
from das_mm.errors import UserError
from das_mm.inference.predictor_choice import open_predictor

PLACES = {
    'model.neck': lambda config, evil: config['model'].update(neck=evil),
    'model': lambda config, evil: config.update(model=evil),
    'test_dataloader': lambda config, evil: config['test_dataloader']['dataset']['pipeline'].append(evil),
    'custom_imports': lambda config, evil: config.update(custom_imports=dict(imports=['antigravity'])),
}


@pytest.fixture
def poisoned(tmp_path):
    """Writes the package's graph with one entry of its metadata changed and a new sum; gives its path."""

    def write(key, change):
        proto = onnx.load_model_from_string(packaged_graph('pose').read_bytes())
        said = {entry.key: entry.value for entry in proto.metadata_props}
        said[PREFIX + key] = change(said[PREFIX + key])
        onnx.helper.set_model_props(proto, said)
        (tmp_path / 'poisoned.onnx').write_bytes(with_sum(proto.SerializeToString()))
        return tmp_path / 'poisoned.onnx'

    return write


def evil(marker):
    return dict(type='os.system', command=f'touch {marker}')


@pytest.mark.parametrize('place', PLACES)
def test_its_config(poisoned, tmp_path, place):
    marker = tmp_path / 'marker'

    def change(text):
        config = read_config_values(text, 'graph')
        PLACES[place](config, evil(marker))
        return '\n'.join(f'{name} = {value!r}' for name, value in config.items())

    refused(poisoned('config', change), marker, place)


def test_its_config_is_no_program(poisoned, tmp_path):
    marker = tmp_path / 'marker'
    refused(poisoned('config', lambda text: f'import os\nos.system("touch {marker}")\n{text}'), marker, 'config')


def refused(path, marker, place):
    with pytest.raises(UserError) as caught:
        load_model(path, device='cpu')
    assert caught.value.file == path and place in caught.value.field and caught.value.remedy
    assert not marker.exists() and 'antigravity' not in sys.modules


@pytest.mark.parametrize('step', ['os.system', 'subprocess.call', 'mmcv.LoadImageFromFile', 'LoadImage'])
@pytest.mark.parametrize('runtime', ['onnx', 'torch'])
def test_its_pipeline(poisoned, tmp_path, step, runtime):
    """The steps that make its input: those that are known are done by numpy, the others are named and not looked up."""
    marker = tmp_path / 'marker'
    add = lambda text: json.dumps([*json.loads(text), dict(type=step, command=f'touch {marker}')])
    path = poisoned('pipeline', add)
    try:
        open_predictor(path, device='cpu', runtime=runtime)
        load_onnx_model(path, 'cpu')
    except UserError as error:
        assert error.file == path and error.remedy
    assert not marker.exists()
