"""Two processes (gloo, CPU): the training and the metrics of one process."""

from __future__ import annotations

import json

import pytest
import torch

from das_mm.cli import main
from tests.toy_run import run_module, write_config


def trained(folder):
    return torch.load(folder / 'work' / 'epoch_3.pth', weights_only=True)['state_dict']


def validation(folder):
    """The metrics of each epoch, from the log."""
    lines = next((folder / 'work').glob('*/vis_data/scalars.json')).read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if 'toy/error' in entry]


def test_two_ranks_are_one(tmp_path):
    """Without noise, twice half the batch is the batch: the same steps, but for the order of float additions."""
    one, two = tmp_path / 'one', tmp_path / 'two'
    one.mkdir(), two.mkdir()
    assert main(['train', str(write_config(one, noise=0.0, batch_size=4, num_workers=0))]) == 0
    config = write_config(two, noise=0.0, batch_size=2, num_workers=0)
    checkpoint, metrics = two / 'work' / 'epoch_3.pth', tmp_path / 'two.json'
    done = run_module('tests.tools.verbs', 'train', config, '+', 'test', config, checkpoint, '--out', metrics, ranks=2)
    assert done.returncode == 0, done.stderr[-3000:]
    for (name, expected), found in zip(trained(one).items(), trained(two).values(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6, msg=name)
    assert len(validation(two)) == 3
    for found, expected in zip(validation(two), validation(one), strict=True):
        assert found['toy/samples'] == expected['toy/samples'] == 23  # 12 + 11, the padding sample is not counted
        assert found['toy/error'] == pytest.approx(expected['toy/error'], rel=1e-5)

    assert main(['test', str(config), str(checkpoint), '--out', str(tmp_path / 'one.json')]) == 0
    one_rank, two_ranks = (json.loads((tmp_path / name).read_text()) for name in ('one.json', 'two.json'))
    assert two_ranks['toy/samples'] == 23
    assert two_ranks['toy/error'] == pytest.approx(one_rank['toy/error'], rel=1e-6)
