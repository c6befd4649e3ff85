"""Every config of the repository parses and its model builds; the ablations differ in what they say they do."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from das_mm.config_files import set_epochs
from das_mm.registry import MODELS

ROOT = Path(__file__).parents[1] / 'configs'
CONFIGS = sorted(path for path in (ROOT / 'das').rglob('*.py'))


def build_model(path):
    model = Config.fromfile(path).model
    backbone = model.backbone
    backbone.init_cfg = None  # no download
    with torch.device('meta'):  # names and shapes alone
        return MODELS.build(dict(model, _scope_='das_mm'))


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_config_builds(path):
    config = Config.fromfile(path)
    assert config.default_scope == 'das_mm'
    assert {'model', 'train_dataloader', 'val_dataloader', 'optim_wrapper', 'train_cfg'} <= set(config)
    model = build_model(path)
    assert len(model.head.strides) == config.model.neck.num_outs
    assert len(path.read_text().splitlines()) <= 100


TRAINABLE = sorted(path for path in ROOT.rglob('*.py') if '_base_' not in path.relative_to(ROOT).parts)


@pytest.mark.parametrize('path', TRAINABLE, ids=lambda path: path.stem)
def test_learning_rate_and_inferencers_of_mmpose(path):
    """The learning rate is that of the batch that the name tells, for --auto-scale-lr; mmpose knows what it infers."""
    config = Config.fromfile(path)
    base = config.auto_scale_lr.base_batch_size
    batch = re.search(r'_(\d+)xb(\d+)-', path.stem)
    if batch is not None:
        assert base == int(batch[1]) * int(batch[2])
        assert config.train_dataloader.batch_size == int(batch[2])
    assert config.data_mode == ('topdown' if path.stem.startswith('td-reg') else 'bottomup')


@pytest.mark.parametrize(
    'name, center, update, layers, loss',
    [
        ('table6-1_bbox', 'bbox', 'NoUpdate', 0, 'L1PoseLoss'),
        ('table6-2_root', 'root', 'NoUpdate', 0, 'L1PoseLoss'),
        ('table6-3_root-recursive', 'root', 'MultiSourceUpdate', 3, 'L1PoseLoss'),
        ('table6-4_root-mle', 'root', 'NoUpdate', 0, 'RLELoss'),
        ('table6-6_mspn2', 'root', 'MultiSourceUpdate', 3, 'RLELoss'),
        ('table7-2_plain-1', 'root', 'PlainUpdate', 1, 'L1PoseLoss'),
        ('table7-3_multi-1', 'root', 'MultiSourceUpdate', 1, 'L1PoseLoss'),
        ('table7-4_multi-2', 'root', 'MultiSourceUpdate', 2, 'L1PoseLoss'),
        ('loss_rle-gaussian', 'root', 'MultiSourceUpdate', 3, 'RLELoss'),
        ('loss_dle', 'root', 'MultiSourceUpdate', 3, 'DLELoss'),
        ('loss_laplace', 'root', 'MultiSourceUpdate', 3, 'LaplaceNLLLoss'),
        ('loss_gaussian', 'root', 'MultiSourceUpdate', 3, 'GaussianNLLLoss'),
        ('loss_rle-official', 'root', 'MultiSourceUpdate', 3, 'OfficialRLELoss'),
    ],
)
def test_ablation_is_what_it_says(name, center, update, layers, loss):
    head = build_model(ROOT / 'das' / 'ablation' / f'{name}.py').head
    assert head.assigner.center_type == center
    assert type(head.update).__name__ == update and head.update.num_layers == layers
    kinds = {type(one).__name__ for one in head.pose_losses.values()}
    assert kinds == {loss} and head.uses_sigma == (loss != 'L1PoseLoss')
    dims = {key: one.flow.dims for key, one in head.pose_losses.items() if hasattr(one, 'flow')}
    assert all(key.endswith(f'{d}d') for key, d in dims.items())


def test_the_mesh_mixture_is_table_3():
    """Sizes, shares and the samples of an epoch are the paper's (journal, Table 3)."""
    config = Config.fromfile(ROOT / 'mesh' / 'das-mesh_resnet50-fpn_4xb12-50e_mixed-512x512.py')
    sizes = [
        sum(part.filter_cfg.num_images if 'filter_cfg' in part else 1000 for part in source.get('datasets', [source]))
        for source in config.train_dataloader.dataset.datasets
    ]  # LSP's training set, which has no filter, has 1000 images
    assert sizes == [62224, 40357, 20000, 6829, 9831, 26455, 9963]
    sampler = config.train_dataloader.sampler
    expected = [round(size / share) for size, share in zip(sizes, sampler.probabilities)]
    assert expected == [207413, 201785, 200000, 136580, 98310, 211640, 79704]
    assert sampler.length == max(expected) and sum(sampler.probabilities) == pytest.approx(1)


MESH_ON_REAL_DATA = [
    ('das-mesh_resnet50-fpn_4xb12-50e_mixed-512x512', 'das-mesh_resnet50-fpn_4xb12-10e_3dpw-512x512'),
    ('ablation/table8-2_no-mle_mixed', 'ablation/table8-2_no-mle'),
    ('ablation/table8-1_no-smpl-branch_mixed', 'ablation/table8-1_no-smpl-branch'),
]


@pytest.mark.parametrize('stages', MESH_ON_REAL_DATA, ids=lambda stages: stages[1])
def test_every_row_of_table_8_has_both_stages(stages):
    """The same model on the mixture and then on 3DPW, 50 and 10 epochs, one body for model and metric."""
    mixed, tuned = (Config.fromfile(ROOT / 'mesh' / f'{name}.py') for name in stages)
    assert mixed.model == tuned.model
    assert [one.train_cfg.max_epochs for one in (mixed, tuned)] == [50, 10]
    assert [one.optim_wrapper.optimizer.lr for one in (mixed, tuned)] == [2e-3, 2e-4]
    assert len(mixed.train_dataloader.dataset.datasets) == 7 and mixed.train_dataloader.batch_size == 12
    assert tuned.train_dataloader.dataset.type == 'DAS3DPWDataset' and tuned.train_dataloader.batch_size == 12
    for config in (mixed, tuned):
        branch = config.model.head.branches.get('mesh')
        metrics = {metric.type: metric for metric in config.val_evaluator}
        if branch is None:
            assert config.smpl_path is None and 'MeshMetric' not in metrics
        else:
            assert branch.body.model_path == metrics['MeshMetric'].body_model.model_path == config.smpl_path


def test_another_number_of_epochs():
    """Steps keep their share, a cosine ends with the training, a warm-up by iterations stays."""
    steps = Config.fromfile(ROOT / '_base_' / 'schedules' / 'sgd_25e.py')
    warmup = {**next(one for one in steps.param_scheduler if not one.by_epoch)}
    set_epochs(steps, 50)
    assert steps.train_cfg.max_epochs == 50 and warmup in steps.param_scheduler
    decay = next(one for one in steps.param_scheduler if one.by_epoch)
    assert decay.milestones == [32, 40] and decay.end == 50 and 'T_max' not in decay
    cosine = Config.fromfile(ROOT / 'das' / 'das_tiny_1xb8-12e_synthetic-448x256.py')
    set_epochs(cosine, 3)
    assert (cosine.param_scheduler[1].end, cosine.param_scheduler[1].T_max) == (3, 3)
