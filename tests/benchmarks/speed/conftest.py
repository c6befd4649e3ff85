"""A DAS of 16 channels with the multi-source update, untrained."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config

from tests.toy_das import INPUT_SIZE, write_toy_config

SHAPES = [(8, 10), (4, 5)]  # of the levels at the toy size, strides 16 and 32
MULTI_SOURCE = dict(type='MultiSourceUpdate', num_layers=2, feat_channels=16, num_groups=4, num_heads=2)
assert INPUT_SIZE == (160, 128)


@pytest.fixture(scope='session')
def toy_config(tmp_path_factory):
    """Path of a config."""
    path = write_toy_config(tmp_path_factory.mktemp('bench'), num_images=2)
    config = Config.fromfile(path)
    config.model.head['update'] = MULTI_SOURCE
    config.dump(path)
    return path


@pytest.fixture(scope='module')
def model(toy_config):
    from das_mm.benchmarks.speed import make_subject

    return make_subject(Config.fromfile(toy_config), None, torch.device('cpu'))


@pytest.fixture
def feats(model):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(1, 16, *shape, generator=generator) for shape in SHAPES]
