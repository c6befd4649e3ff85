"""The configs: the paper's sizes, and ablations that are what they say."""

import copy
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch.utils.flop_counter import FlopCounterMode

from das_mm.demo import main_job
from das_mm.registry import MODELS
from projects.mar.mar import demo

ROOT = Path(__file__).parents[1] / 'configs'
CONFIGS = sorted(path for path in ROOT.rglob('*.py') if '_base_' not in path.parts)
PAPER, TINY = 'mar_hrnet-w32_4xb8-50k_muco-832x512', 'mar_tiny_1xb8-12e_synthetic-448x256'


@lru_cache
def read(path: Path) -> Config:
    return Config.fromfile(path)


def build(path: Path):
    model = copy.deepcopy(read(path).model)
    model.backbone.init_cfg = None  # no download
    with torch.device('meta'):
        return MODELS.build(dict(model, _scope_='das_mm'))


def test_parameters_and_operations_are_the_papers():
    """32.04 M and 112.87 G multiply-adds at 832x512 (Table 3), within 3 %."""
    model = build(ROOT / f'{PAPER}.py')
    for module in model.modules():
        module.training = False
    assert sum(one.numel() for one in model.parameters()) == pytest.approx(32.04e6, rel=0.03)
    with torch.device('meta'), FlopCounterMode(display=False) as counter:
        maps = model._forward(torch.empty(1, 3, 512, 832))
    assert counter.get_total_flops() / 2 == pytest.approx(112.87e9, rel=0.03)
    shapes = [tuple(one.shape[1:]) for one in maps]
    cells = [(128, 208), (64, 104), (32, 52), (16, 26)]
    assert shapes[:4] == [(15, *size) for size in cells] and shapes[4:8] == [(28, *size) for size in cells]
    assert shapes[8:] == [(42, 128, 208), (3, 128, 208)]


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_configs_are_whole(path):
    config = read(path)
    assert config.custom_imports.imports == 'projects.mar.mar' and config.data_mode == 'bottomup'
    assert {'model', 'train_dataloader', 'val_dataloader', 'optim_wrapper', 'train_cfg'} <= set(config)
    assert len(path.read_text().splitlines()) <= 100
    assert config.auto_scale_lr.base_batch_size == (8 if 'tiny' in path.stem else 32)
    if 'tiny' not in path.stem:
        assert config.train_dataloader.sampler.probabilities == (0.5, 0.5)
        sources = config.train_dataloader.dataset.datasets
        assert sources[1].type == 'DASCocoDataset' and sources[1].derive_neck
        assert {one.keypoint_set for one in sources} == {config.model.head.keypoint_set}
        assert config.val_dataloader.dataset.keypoint_set == config.model.head.keypoint_set


@pytest.mark.parametrize('prefix, base', [('mar', PAPER), ('mar-tiny', TINY)])
def test_ablations_change_one_thing(prefix, base):
    whole = read(ROOT / f'{base}.py').model
    changes = {
        'table4-2_no-offset': [('test_cfg', 'pose_source', 'heatmap')],
        'table4-3_no-heatmap': [('test_cfg', 'pose_source', 'offset')],
        'table4-4_no-geometry-backward': [('head', 'roots', 'geometry_backward', False)],
        'table4-5_no-adaptive-fusion': [('test_cfg', 'depth_source', 'mean')],
        'regression-only': [('head', 'loss_weights', 'geometry', 0.0), ('test_cfg', 'depth_source', 'regression')],
        'geometry-only': [('head', 'loss_weights', 'regression', 0.0), ('test_cfg', 'depth_source', 'geometry')],
    }
    for name, changed in changes.items():
        model = read(ROOT / 'ablation' / f'{prefix}_{name}.py').model
        expected = copy.deepcopy(whole)
        for *path, key, value in changed:
            part = expected
            for step in path:
                part = part[step]
            assert part.get(key) != value
            part[key] = value
        assert model == expected, name


def test_the_tiny_one_builds():
    model = build(ROOT / f'{TINY}.py')
    assert sum(one.numel() for one in model.parameters()) < 2e6
    assert model.num_keypoints == 15 and list(model.tasks) == ['pose'] and not model.uses_sigma


def test_from_scratch_is_from_scratch(tmp_path):
    """The tiny config itself begins with weights of the package."""
    made = {
        scratch: main_job.demo_config(main_job.DemoSettings(tmp_path, demo.MARTask.name, from_scratch=scratch))
        for scratch in (False, True)
    }
    assert made[True].model.backbone.init_cfg is None
    assert made[False].model.backbone.init_cfg.checkpoint
