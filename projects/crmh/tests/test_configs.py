"""The recipes say what the thesis and the released code say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config

CONFIGS = sorted(path.stem for path in Path(__file__).parents[1].glob('configs/*.py'))
COHERENCE = dict(
    crmh={'interpenetration', 'depth_order'}, interpenetration={'interpenetration'}, depth={'depth_order'}, tuned=set()
)


@pytest.fixture(scope='module')
def configs():
    return {name: read_config(config_path(name)) for name in CONFIGS}


@pytest.mark.parametrize('name', CONFIGS)
def test_the_name_is_the_config(configs, name):
    config = configs[name]
    assert config.default_scope == 'das_mm' and config.model.type == 'das_mm.CRMH'
    options = config.model.train_cfg
    assert (options.get('adversarial') is None) == ('crops' in name)
    stage3 = not any(word in name for word in ('crops', 'crmh-baseline'))
    terms = {key for key, value in (options.get('coherence') or {}).items() if value is not None}
    kind = re.split(r'[-_]', name)[1] if name.startswith('crmh-') else 'crmh'
    assert terms == (COHERENCE[kind] if stage3 else set())
    parts = ('dataloader', 'evaluator', 'cfg')
    assert len({config.get(f'val_{part}') is None for part in parts}) == 1  # mmengine wants all or none
    if found := re.search(r'_(\d)xb(\d+)-(\d+)(k|e)_', name):
        processes, batch, length = (int(part) for part in found.groups()[:3])
        assert config.train_dataloader.batch_size == batch
        assert config.auto_scale_lr.base_batch_size == processes * batch
        if found[4] == 'e':
            assert config.train_cfg.max_epochs == length
        else:
            samples = config.train_dataloader.sampler.length
            assert config.train_cfg.max_epochs * samples == length * 1000 * processes * batch


def test_variants_of_the_last_stage_have_one_budget(configs):
    for end in ('_2xb4-100k_mixed-832x512', '_1xb4-4e_synthetic-448x256'):
        variants = [dict(configs[name]) for name in CONFIGS if name.endswith(end)]
        assert len(variants) in (3, 4)
        for one in variants:
            model = dict(one['model'], train_cfg={**one['model']['train_cfg'], 'coherence': None})
            one['model'] = model
        assert all(one == variants[0] for one in variants)


def test_weights_are_those_of_the_released_code(configs):
    full = configs['crmh_resnet50-fpn_2xb4-100k_mixed-832x512'].model
    options = full.train_cfg
    assert (options.coherence.interpenetration.loss_weight, options.coherence.depth_order.loss_weight) == (0.01, 100)
    assert options.adversarial.weight == 1 / 60 and full.test_cfg.focal_px == 1000
    criterion = dict(options.criterion)
    assert criterion == dict(
        type='SMPLBranchLoss', keypoint_error='l2', keypoints_2d_weight=4, keypoints_3d_weight=1, vertices_weight=1,
        pose_weight=1, betas_weight=0.01,
    )  # fmt: skip
    for side in configs['crmh-baseline_resnet50-fpn_1xb9-180k_mixed-832x512'].optim_wrapper.values():
        if isinstance(side, dict):
            assert side.clip_grad.max_norm == 35 and side.optimizer.type == 'RAdam' and side.optimizer.lr == 1e-5
    loader = configs['crmh_resnet50-fpn_2xb4-100k_mixed-832x512'].train_dataloader
    assert [1.6 * share for share in loader.sampler.probabilities] == pytest.approx([0.6, 0.3, 0.3, 0.3, 0.1])
    assert [bool(one.get('with_masks')) for one in loader.dataset.datasets] == [False, True, False, False, False]
