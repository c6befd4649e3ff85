"""Weights of the package by their names, wherever mmengine takes a checkpoint's address."""

from __future__ import annotations

import pytest
import torch
from mmengine.runner import CheckpointLoader

from das_mm.checkpoints.packaged import TINY, tiny_checkpoint
from das_mm.errors import UserError
from das_mm.registry import MODELS


def test_is_the_file_of_the_package():
    told = CheckpointLoader.load_checkpoint(f'das_mm://{TINY["pose"]}', 'cpu')
    there = CheckpointLoader.load_checkpoint(str(tiny_checkpoint('pose')), 'cpu')
    assert told['state_dict'].keys() == there['state_dict'].keys()
    assert all(torch.equal(told['state_dict'][key], value) for key, value in there['state_dict'].items())


def test_a_backbone_begins_with_it():
    address = dict(type='Pretrained', checkpoint=f'das_mm://{TINY["pose"]}', prefix='backbone.')
    backbone = MODELS.build(
        dict(type='mmpose.ResNet', depth=18, stem_channels=16, base_channels=16, out_indices=(3,), init_cfg=address)
    )
    backbone.init_weights()
    weights = CheckpointLoader.load_checkpoint(str(tiny_checkpoint('pose')), 'cpu')['state_dict']
    for name, value in backbone.state_dict().items():
        torch.testing.assert_close(value, weights[f'backbone.{name}'].to(value.dtype), rtol=0, atol=0)


def test_another_name_is_refused_with_those_there_are():
    with pytest.raises(UserError, match='no such weights') as caught:
        CheckpointLoader.load_checkpoint('das_mm://resnet50', 'cpu')
    assert TINY['pose'] in str(caught.value)
