"""The recipes are those of the thesis and of the released code."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from das_mm.registry import MODELS

CONFIGS = Path(__file__).parents[1] / 'configs'
RECIPES = {
    'graphcmr_resnet50_1xb16-50e_all-224x224': (['h36m', 'lsp', 'coco', 'mpii', 'up3d'], [0.3, 0.1, 0.2, 0.2, 0.2], 50),
    'graphcmr_resnet50_1xb16-50e_in-the-wild-224x224': (['lsp', 'coco', 'mpii', 'up3d'], [0.1, 0.3, 0.3, 0.3], 50),
    'graphcmr_resnet50_1xb16-25e_h36m-up3d-224x224': (['h36m', 'up3d'], [0.5, 0.5], 25),
    'graphcmr-mlp_resnet50_1xb16-25e_h36m-up3d-224x224': (['h36m', 'up3d'], [0.5, 0.5], 25),
    'graphcmr-2d_resnet50_1xb16-25e_h36m-lsp-mpii-224x224': (['h36m', 'lsp', 'mpii'], [0.5, 0.17, 0.33], 25),
    'graphcmr_resnet50_1xb16-10e_h36m-224x224': (['h36m'], None, 10),
    'fc-mesh_resnet50_1xb16-10e_h36m-224x224': (['h36m'], None, 10),
    'direct_resnet50_1xb16-10e_h36m-224x224': (['h36m'], None, 10),
    'graphcmr-parts_resnet50_1xb16-10e_h36m-224x224': (['h36m'], None, 10),
    'graphcmr-iuv_resnet50_1xb16-10e_h36m-224x224': (['h36m'], None, 10),
}


@pytest.mark.parametrize('name', RECIPES)
def test_recipe(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py', import_custom_modules=False)
    sources, probabilities, epochs = RECIPES[name]
    loader = cfg.train_dataloader
    assert [view.dataset.dataset_name for view in loader.dataset.datasets] == sources
    assert loader.sampler.get('probabilities') == probabilities
    assert loader.batch_size == cfg.auto_scale_lr.base_batch_size == 16 and cfg.train_cfg.max_epochs == epochs
    assert (
        cfg.optim_wrapper.optimizer == dict(type='Adam', lr=3e-4, betas=(0.9, 0.999)) and 'param_scheduler' not in cfg
    )
    crop = next(step for step in loader.dataset.datasets[0].pipeline if step.type == 'PersonCrop')
    assert crop.crop_px == 224 and crop.flip_after_rotation and crop.whole_pixels
    assert crop.augmentation.flip_prob == (0.0 if 'iuv' in name else 0.5)
    assert cfg.model.head.body.model_path == cfg.smpl_path
    assert cfg.model.head.get('freeze_vertex_network', False) == ('mlp' in name)


@pytest.mark.parametrize('name', ['graphcmr', 'fc-mesh', 'direct'])
def test_tiny_models_differ_in_their_heads_alone(name, mesh_cache):
    cfg = Config.fromfile(CONFIGS / f'{name}_tiny_1xb32-16e_synthetic-96x96.py')
    with torch.device('meta'):
        model = MODELS.build(dict(cfg.model, _scope_='das_mm'))
    kinds = {'graphcmr': ('GraphCNN', True), 'fc-mesh': ('FCMesh', True), 'direct': (None, False)}[name]
    assert type(getattr(model.head, 'vertex_network', None)).__name__ == (kinds[0] or 'NoneType')
    assert cfg.model.backbone.base_channels == 16
    assert ('mesh' in model.tasks) == (name != 'fc-mesh')
