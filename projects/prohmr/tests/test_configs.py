"""The recipes say what the thesis says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config

CONFIGS = sorted(path.stem for path in Path(__file__).parents[1].glob('configs/prohmr*.py'))


@pytest.mark.parametrize('name', CONFIGS)
def test_the_name_is_the_config(name):
    config = read_config(config_path(name))
    assert config.default_scope == 'das_mm' and config.model.type == 'ProHMR' and config.data_mode == 'topdown'
    options = config.model.train_cfg
    assert (options.get('discriminator') is None) == ('no-adv' in name) == ('constructor' not in config.optim_wrapper)
    weights = options.criterion
    assert any(weights.mode.values()) != ('no-mode' in name)
    assert any(weights.samples.values()) != ('no-exp' in name)
    assert (weights.orthogonal == 0.1) != ('no-orth' in name)
    assert weights.nll == 0.001 and weights.noise == 0.005 and weights.adversarial == 0.0005
    if found := re.search(r'_1xb(\d+)-(\d+)(k|e)_', name):
        batch, length = int(found[1]), int(found[2])
        assert config.train_dataloader.batch_size == batch == config.auto_scale_lr.base_batch_size
        if found[3] == 'e':
            assert config.train_cfg.max_epochs == length
        else:
            samples = config.train_dataloader.sampler.length
            assert config.train_cfg.max_epochs * samples == length * 1000 * batch


def test_the_mix_and_the_crops_are_the_papers():
    config = read_config(config_path('prohmr_resnet50_1xb64-500k_mixed-224x224'))
    assert config.train_dataloader.sampler.probabilities == [0.3, 0.1, 0.4, 0.2]
    names = [one.dataset.dataset_name for one in config.train_dataloader.dataset.datasets]
    assert names == ['h36m', 'mpii', 'coco', 'mpi_inf_3dhp']
    crop = next(step for step in config.train_pipeline if step.type == 'PersonCrop')
    assert crop.augmentation == dict(
        flip_prob=0.5, rotation_deg=30.0, rotation_prob=0.6, scale=0.3, shift=0.02, color=0.2
    )
    assert not crop.flip_after_rotation
    for side in ('generator', 'discriminator'):
        assert config.optim_wrapper[side].optimizer == dict(type='AdamW', lr=1e-4, weight_decay=1e-4)
