"""The recipes say what the thesis says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config

CONFIGS = sorted(path.stem for path in Path(__file__).parents[1].glob('configs/*.py'))


@pytest.mark.parametrize('name', CONFIGS)
def test_the_name_is_the_config(name):
    config = read_config(config_path(name))
    assert config.default_scope == 'das_mm' and config.model.type == 'SPIN' and config.data_mode == 'topdown'
    options = config.model.train_cfg
    assert options.in_the_loop != ('static' in name or name.startswith('hmr'))
    assert options.get('ignore_3d', False) == ('unpaired' in name or ('tiny' in name and not name.startswith('hmr')))
    if found := re.search(r'_1xb(\d+)-(\d+)(k|e)_', name):
        batch, length = int(found[1]), int(found[2])
        assert config.train_dataloader.batch_size == batch == config.auto_scale_lr.base_batch_size
        if found[3] == 'e':
            assert config.train_cfg.max_epochs == length
        else:
            samples = config.train_dataloader.sampler.length
            assert config.train_cfg.max_epochs * samples == length * 1000 * batch


def test_the_mix_is_the_papers():
    config = read_config(config_path('spin_resnet50_1xb64-350k_mixed-224x224'))
    assert config.train_dataloader.sampler.probabilities == [0.3, 0.6, 0.1]
    h36m, wild, mpi = config.train_dataloader.dataset.datasets
    assert (h36m.dataset.dataset_name, mpi.dataset.dataset_name) == ('h36m', 'mpi_inf_3dhp')
    assert [one.dataset.dataset_name for one in wild.datasets] == ['lsp', 'lspet', 'mpii', 'coco']
    assert config.optim_wrapper.optimizer == dict(type='Adam', lr=3e-5) and config.param_scheduler == []
