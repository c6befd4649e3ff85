"""Files that are no DAS, and machines without the packages."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.packaged import packaged_graph, pretrained_checkpoint
from das_mm.cli import main
from das_mm.errors import UserError


@pytest.fixture(scope='module')
def packaged() -> tuple[Path, Path]:
    """Checkpoint and graph that come with the package: nothing has to be exported for what follows."""
    graph = packaged_graph('pose')
    assert graph is not None
    return pretrained_checkpoint('pose'), graph


def foreign(path, **metadata):
    """Somebody else's graph."""
    helper = onnx.helper
    value = helper.make_tensor_value_info('images', onnx.TensorProto.FLOAT, ['n'])
    out = helper.make_tensor_value_info('out', onnx.TensorProto.FLOAT, ['n'])
    graph = helper.make_graph([helper.make_node('Identity', ['images'], ['out'])], 'g', [value], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 20)], ir_version=10)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    'metadata, message',
    [
        ({}, 'not one of das_mm'),
        ({'das_mm.format': 'das_mm.onnx/9'}, "reads 'das_mm.onnx/1'"),
        ({'das_mm.format': 'das_mm.onnx/1', 'das_mm.input': '{'}, 'metadata are damaged'),
    ],
)
def test_somebody_elses_file(tmp_path, metadata, message):
    with pytest.raises(UserError, match=message) as caught:
        load_model(foreign(tmp_path / 'other.onnx', **metadata), device='cpu')
    assert caught.value.remedy and 'other.onnx' in str(caught.value)


def test_a_damaged_file(packaged, tmp_path):
    whole = packaged[1].read_bytes()
    for name, data in (
        ('short', whole[: len(whole) // 2]),
        ('empty', b''),
        ('noise', np.random.default_rng(0).bytes(999)),
        ('pth', packaged[0].read_bytes()),
    ):
        (tmp_path / f'{name}.onnx').write_bytes(data)
        with pytest.raises(UserError, match=f'{name}.onnx'):
            load_model(tmp_path / f'{name}.onnx', device='cpu')
    with pytest.raises(UserError, match='there is no such file'):
        load_model(tmp_path / 'absent.onnx', device='cpu')


def test_a_config_beside_the_file(packaged):
    with pytest.raises(UserError, match='has its config in it'):
        load_model(packaged[1], 'das_tiny_1xb8-12e_synthetic-448x256', 'cpu')


def test_a_device_that_is_not_there(packaged):
    with pytest.raises(UserError, match="cannot use 'xpu'"):
        load_model(packaged[1], device='xpu')


@pytest.mark.parametrize('package', ['onnx', 'onnxscript', 'onnxruntime'])
def test_without_the_packages(packaged, monkeypatch, capsys, package):
    monkeypatch.setitem(sys.modules, package, None)
    assert main(['export', 'onnx', 'das_tiny_1xb8-12e_synthetic-448x256', str(packaged[0])]) == 2
    told = capsys.readouterr().err
    assert f'the package {package} is not installed' in told and "pip install 'das_mm[export]'" in told


def test_inference_without_onnxruntime(packaged, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(UserError, match=r'das_mm\[export\]'):
        load_model(packaged[1], device='cpu')
