"""A few small synthetic scenes with masks, and a CRMH of a few channels."""

from __future__ import annotations

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate

from das_mm.config_files import config_path
from das_mm.datasets import DASDataset
from das_mm.engine.config_reader import read_config
from das_mm.registry import MODELS

SIZE = (128, 96)
TINY = 'crmh_tiny_1xb4-4e_synthetic-448x256'
SMALL = dict(
    data_preprocessor=dict(input_size=SIZE),
    backbone=dict(base_channels=4, stem_channels=4, init_cfg=None),  # those of the package are of another size
    neck=dict(in_channels=[4, 8, 16, 32], out_channels=8),
    rpn_head=dict(in_channels=8, feat_channels=8),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=8),
        bbox_head=dict(in_channels=8, fc_out_channels=16),
        smpl_roi_extractor=dict(out_channels=8),
        smpl_head=dict(in_channels=8, conv_channels=8, hidden_channels=16, dropout=0.0),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=32)),
        rpn_proposal=dict(nms_pre=60, max_per_img=30),
        rcnn=dict(sampler=dict(num=8)),
        adversarial=dict(mocap=dict(num_synthetic=3)),
        coherence=dict(interpenetration=dict(resolution=8), depth_order=dict(stride=4)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=60, max_per_img=30), rcnn=dict(max_per_img=6), score_thr=0.0),
)


@pytest.fixture(scope='package')
def scenes(tmp_path_factory):
    """Three scenes of two or three people."""
    from das_mm.datasets.synthetic import SyntheticConfig, generate

    config = SyntheticConfig(
        num_images=3, image_size=SIZE, people=(2, 3), subject_share=(0.6, 0.9), seed=3, joint_sets=('gt24',)
    )
    return generate(config, tmp_path_factory.mktemp('scenes'), workers=0, progress=False)


@pytest.fixture(scope='package')
def tiny_model():
    """The model of the tiny config, made smaller still; not to be changed."""
    return merged(read_config(config_path(TINY)).model, SMALL)


def merged(config, changes) -> ConfigDict:
    """A config with some values changed, at any depth."""
    result = ConfigDict(copy.deepcopy(config))
    for name, value in changes.items():
        known = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if known else value
    return result


def make_model(config, **changes):
    """Built and initialised, the same numbers every time."""
    import projects.crmh.crmh  # noqa: F401

    torch.manual_seed(0)
    model = MODELS.build(merged(config, changes))
    model.init_weights()
    return model


def dataset_of(scenes, test_mode=False, with_masks=True, size=SIZE) -> DASDataset:
    train = [
        dict(type='AddMeshLabels'),
        dict(type='AddInstanceMap'),
        dict(type='AddPersonMarks'),
        dict(type='PackDASInputs', supervise_outside=True),
    ]
    pipeline = [
        dict(type='LoadImage'),
        dict(type='DASResize', input_size=size),
        *([dict(type='PackDASInputs')] if test_mode else train),
    ]
    return DASDataset(
        f'annotations/{scenes.annotations["gt24"].name}',
        'gt24',
        data_root=str(scenes.root),
        pipeline=pipeline,
        test_mode=test_mode,
        with_masks=with_masks,
    )


def batch_of(model, dataset, rows=(0, 1)):
    """Inputs and samples, as a step of training gets them."""
    data = model.data_preprocessor(pseudo_collate([dataset[row] for row in rows]), True)
    return data['inputs'], data['data_samples']
