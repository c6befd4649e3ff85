"""Formats of `das-mm export` stand in a registry: one of a user's own is reached by the command."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from das_mm.cli import main
from das_mm.deploy import EXPORTERS, Exporter
from das_mm.errors import UserError
from tests.toy_model import write_toy_checkpoint


class WeightsExporter(Exporter):
    """A user's own format."""

    help, suffix = 'the bare weights', '.npz'

    def add_arguments(self, parser):
        parser.add_argument('--only', default='', help='names that begin so')

    def run(self, model, out, args, say):
        weights = {name: value.numpy() for name, value in model.state_dict().items() if name.startswith(args.only)}
        np.savez(out, **weights)
        say(f'{out}: {len(weights)} arrays')
        return 0 if weights else 1


@pytest.fixture
def weights_format(monkeypatch):
    monkeypatch.setattr(EXPORTERS, '_registered', dict(EXPORTERS._registered))
    EXPORTERS.register('weights')(WeightsExporter)


def test_a_format_of_ones_own(weights_format, tmp_path, monkeypatch, capsys):
    checkpoint = write_toy_checkpoint(tmp_path)
    config = tmp_path / 'toy.py'
    monkeypatch.chdir(tmp_path)
    assert main(['export', 'weights', str(config), str(checkpoint), '--only', 'head.']) == 0
    assert 'toy.npz: ' in capsys.readouterr().out
    with np.load('toy.npz') as written:
        assert 'head.scales' in written and all(name.startswith('head.') for name in written)
    assert main(['export', 'weights', str(config), str(checkpoint), '--only', 'nothing']) == 1


def test_the_formats_of_the_package():
    assert EXPORTERS.names()[:2] == ['onnx', 'torch']
    assert [EXPORTERS.get(name)().suffix for name in ('onnx', 'torch')] == ['.onnx', '.pt2']
    with pytest.raises(UserError, match='use one of: onnx, torch'):
        EXPORTERS.get('caffe')


def test_a_missing_package_is_told_before_a_model_is_loaded(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, 'onnxscript', None)
    assert main(['export', 'onnx', 'no_such_config', str(tmp_path / 'no.pth')]) == 2
    assert 'onnxscript' in capsys.readouterr().err


def test_options_are_shown_without_torch():
    code = (
        'import sys; from das_mm.cli import main\n'
        "try: main(['export', 'onnx', '--help'])\n"
        "finally: print('torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout
    assert '--opset' in shown and shown.rstrip().endswith('False')
