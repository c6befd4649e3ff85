"""Damaged checkpoints give an error in words or what was stored, whatever was damaged."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from torch import nn

from das_mm.checkpoints.weight_loader import load_checkpoint_strict
from das_mm.engine.checkpoint_files import check_training_state, read_checkpoint
from das_mm.errors import UserError
from tests.datasets.mutations import damaged_bytes, mutations


def content():
    """What mmengine's runner keeps, in little."""
    history = HistoryBuffer(np.array([1.0, 2.0]), np.array([1, 1]))
    return dict(
        meta=dict(iter=3, epoch=1, seed=7, cfg='model = dict()', dataset_meta=dict(sigmas=np.ones(2), name='toy')),
        state_dict=dict(weight=torch.arange(6.0).reshape(2, 3), bias=torch.ones(2)),
        message_hub=dict(log_scalars={'train/loss': history}),
        optimizer=dict(state={}, param_groups=[dict(lr=0.1, params=[0, 1])]),
        param_schedulers=[dict(last_step=3)],
    )


def told(error: UserError, path) -> None:
    assert error.file == path and error.remedy and len(str(error)) < 2000


@pytest.mark.parametrize('legacy', [False, True])
def test_damaged_bytes(tmp_path, legacy):
    """A zip has sums: what is read of it is what was stored. Files of before torch 1.6 have none."""
    path = tmp_path / 'x.pth'
    torch.save(content(), path, _use_new_zipfile_serialization=not legacy)
    refused = 0
    for words, data in damaged_bytes(path.read_bytes(), 300, seed=1 + legacy):
        path.write_bytes(data)
        try:
            found = read_checkpoint(path)
        except UserError as error:
            told(error, path)
            refused += 1
            continue
        if not legacy:
            assert torch.equal(found['state_dict']['weight'], content()['state_dict']['weight']), words
            assert found['meta']['iter'] == 3 and found['message_hub']['log_scalars']['train/loss'].mean() == 1.5
    assert refused > 100


def test_values_of_foreign_types(tmp_path):
    path, model = tmp_path / 'x.pth', nn.Linear(3, 2)
    plain = dict(content(), state_dict=dict(weight=[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], bias=[1.0, 1.0]))
    plain['meta']['dataset_meta'], plain['message_hub'] = dict(name='toy'), dict(log_scalars={})
    read = 0
    for words, damaged in mutations(plain, 200, seed=3):
        weights = damaged.get('state_dict') if isinstance(damaged, dict) else None
        for name, value in (weights or {}).items() if isinstance(weights, dict) else ():
            try:
                weights[name] = torch.tensor(value)
            except (TypeError, ValueError, RuntimeError, OverflowError):
                weights[name] = copy.copy(value)  # no tensor: as it is
        try:
            torch.save(damaged, path)
        except (OverflowError, UnicodeEncodeError, RecursionError):
            continue  # torch itself cannot write it
        for reader in (
            lambda: load_checkpoint_strict(model, path),
            lambda: check_training_state(read_checkpoint(path), path),
        ):
            try:
                reader()
                read += 1
            except UserError as error:
                told(error, path)
            except Exception as error:
                raise AssertionError(words) from error
    assert read > 50
