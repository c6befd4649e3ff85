"""What `mim search das_mm` reads, and that everything in it works: every config trains a step and is evaluated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from das_mm.bodies import write_smpl_file
from das_mm.registry import DATA_SAMPLERS, DATASETS, METRICS, MODELS
from das_mm.tools.support.smpl_path import share_smpl_path
from tests.toy import write_toy_dataset
from tests.toy_run import REPOSITORY

INDEX = yaml.safe_load((REPOSITORY / 'model-index.yml').read_text())
METAFILES = [yaml.safe_load((REPOSITORY / path).read_text()) for path in INDEX['Import']]
MODELS_LISTED = [entry for metafile in METAFILES for entry in metafile['Models']]
SIZE = (160, 128)


def test_the_index_lists_each_config_once():
    collections = {entry['Name'] for metafile in METAFILES for entry in metafile['Collections']}
    for model in MODELS_LISTED:
        assert model['Name'] == Path(model['Config']).stem
        assert model['In Collection'] in collections
        assert model['Metadata']['Training Data']
    folders = [Path(path).parent for path in INDEX['Import']]
    there = [path for folder in folders for path in (REPOSITORY / folder).rglob('*.py')]
    there = sorted(path.relative_to(REPOSITORY).as_posix() for path in there)
    assert sorted(model['Config'] for model in MODELS_LISTED) == there


def test_numbers_are_said_to_be_the_papers():
    """Nothing was measured on real data here, so no entry may have mim's `Results`."""
    told = {model['Name']: model['Metadata']['Paper'] for model in MODELS_LISTED if 'Paper' in model['Metadata']}
    assert all(set(paper) == {'Table', 'Dataset', 'Metrics'} for paper in told.values())
    assert not any('Results' in model for model in MODELS_LISTED)
    ablation = {name: paper['Metrics'] for name, paper in told.items() if name.startswith(('table6', 'table7'))}
    assert ablation == {
        f'table{row}': {'MPJPE (mm)': mm}
        for row, mm in {
            '6-1_bbox': 65.3,
            '6-2_root': 62.5,
            '6-3_root-recursive': 57.6,
            '6-4_root-mle': 58.8,
            '6-6_mspn2': 54.4,
            '7-2_plain-1': 58.6,
            '7-3_multi-1': 58.2,
            '7-4_multi-2': 57.9,
        }.items()
    }


# ---------------------------------------------------------------- every config, one step

# (width, height) would-be inputs of the papers are megapixels: the same steps on small images
_SMALL = dict(input_size=SIZE, short_side_range=(96, 128), max_long_side=192)


def shrink(steps: list[dict]) -> None:
    for step in steps:
        step.update({key: value for key, value in _SMALL.items() if step.get(key) is not None})


def sources(dataset: dict) -> list[dict]:
    if 'dataset' in dataset:  # a wrapper with steps of its own
        shrink(dataset['pipeline'])
        return sources(dataset['dataset'])
    inner = dataset.get('datasets')
    return [dataset] if inner is None else [one for source in inner for one in sources(source)]


@pytest.fixture(scope='module')
def smpl_file(tmp_path_factory) -> Path:
    """Stands for the licensed one that configs of real data want."""
    return write_smpl_file(tmp_path_factory.mktemp('smpl') / 'SMPL_NEUTRAL.npz')


def with_toys(dataset: dict, root: Path) -> dict:
    """The config's dataset over files that a toy wrote; its classes, options and transforms are its own."""
    for number, source in enumerate(sources(dataset)):
        shrink(source['pipeline'])
        if source['type'].startswith('Synthetic'):
            source.update(num_images=2, root=str(root / 'scenes'), workers=0)
            source['image_size'] = SIZE
            continue
        folder = root / str(number)
        kset = getattr(DATASETS.get(source['type']), 'NATIVE_SET', None) or source.get(
            'source_keypoint_set', 'panoptic15'
        )
        kset = 'h36m17' if kset == 'smpl24' else kset  # toys have no spine1
        options = dict(people=(1, 2), with_3d='Coco' not in source['type'], seed=number)
        ann_file = write_toy_dataset(folder, 2, SIZE, kset, **options)
        if 'LSP' in source['type']:
            without_cameras(ann_file)
        source.update(ann_file=ann_file, data_root=str(folder), data_prefix=dict(img='images'))
    return DATASETS.build(dataset)


def without_cameras(ann_file: str) -> None:
    """As photographs are: a mosaic takes no others."""
    content = json.loads(Path(ann_file).read_text())
    for image in content['images']:
        image.pop('cam_param', None)
    Path(ann_file).write_text(json.dumps(content))


def narrow(model: dict) -> None:
    """A quarter of the channels everywhere, or less: the same parts and the same wiring, quicker."""
    backbone, neck, head = model['backbone'], model['neck'], model['head']
    if backbone['type'] == 'mmdet.ResNet':
        backbone['base_channels'] = 16
        neck['in_channels'] = [64, 128, 256, 512]
    elif backbone['type'] == 'MSPNPyramid':
        backbone['unit_channels'] = 32
        neck['in_channels'] = [32] * 4
    elif backbone['type'] == 'DLA34':
        backbone['channels'] = [4, 8, 16, 32, 64, 128]
        neck['in_channels'] = [16, 32, 64, 128]
    if head.get('feat_channels') == 256:
        neck['out_channels'] = head['in_channels'] = head['feat_channels'] = 64
        for branch in head.get('branches', {}).values():
            branch['in_channels'] = branch['feat_channels'] = 64


def optim_wrapper_for_cpu(config: dict) -> dict:
    """Without mixed precision, which needs a GPU to scale its losses."""
    return {
        **{key: value for key, value in config.items() if key not in ('loss_scale', 'precision')},
        'type': 'OptimWrapper',
    }


def batch_of(dataset, number: int = 2) -> dict:
    return pseudo_collate([dataset[i] for i in range(number)])


@pytest.mark.parametrize('name', [model['Name'] for model in MODELS_LISTED])
def test_a_listed_config_trains_a_step(name, tmp_path, smpl_file):
    torch.manual_seed(0)
    cfg = Config.fromfile(REPOSITORY / next(model['Config'] for model in MODELS_LISTED if model['Name'] == name))
    if cfg.get('smpl_path'):
        cfg.smpl_path, written = str(smpl_file), cfg.smpl_path
        share_smpl_path(cfg, written)
    for part in ('backbone', 'neck'):
        cfg.model.get(part, {}).pop('init_cfg', None)  # nothing is downloaded
    with DefaultScope.overwrite_default_scope('das_mm'):
        with torch.device('meta'):  # at full size; a body model is no array of the meta device
            teaching = {key: value for key, value in (cfg.model.get('train_cfg') or {}).items() if key != 'train_only'}
            MODELS.build({**cfg.model, 'train_cfg': teaching, 'head': {**cfg.model.head, 'branches': {}}})
        narrow(cfg.model)
        model = MODELS.build(cfg.model).train()
        dataset = with_toys(cfg.train_dataloader.dataset, tmp_path)
        optimizer = build_optim_wrapper(model, optim_wrapper_for_cpu(cfg.optim_wrapper))
        log = model.train_step(batch_of(dataset), optimizer)
        for loader, source in (('train', dataset), ('val', with_toys(cfg.val_dataloader.dataset, tmp_path / 'val'))):
            DATA_SAMPLERS.build(dict(cfg[f'{loader}_dataloader'].sampler, dataset=source))
        for metric in cfg.val_evaluator if isinstance(cfg.val_evaluator, list) else [cfg.val_evaluator]:
            METRICS.build(metric)
    assert log['loss'].isfinite() and log['loss'] > 0, log
    assert all(parameter.isfinite().all() for parameter in model.parameters())
