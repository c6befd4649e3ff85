"""A few small synthetic people, and a ProHMR of a few channels."""

from __future__ import annotations

import pytest

from das_mm.datasets import PersonViewDataset
from das_mm.registry import MODELS
from projects.prohmr.prohmr import ProHMR

CROP = 64


@pytest.fixture(scope='package')
def people(tmp_path_factory):
    """The root of a set of five people in five images."""
    from das_mm.datasets.synthetic import SyntheticConfig, generate

    config = SyntheticConfig(
        num_images=5, image_size=(96, 96), people=(1, 1), subject_share=(0.7, 0.9), seed=5, joint_sets=('gt24',)
    )
    return generate(config, tmp_path_factory.mktemp('people'), workers=0, progress=False)


def make_view(people, augmentation=None, **options) -> PersonViewDataset:
    return PersonViewDataset(
        keypoint_set='prohmr44',
        dataset=dict(
            type='DASDataset',
            dataset_name='toy',
            ann_file=f'annotations/{people.annotations["gt24"].name}',
            data_root=str(people.root),
            keypoint_set='gt24',
        ),
        pipeline=[
            dict(type='LoadImage'),
            dict(type='PersonCrop', crop_px=CROP, augmentation=augmentation, flip_after_rotation=False),
            dict(type='PackPersonInputs'),
        ],
        **options,
    )


def model_config(test_cfg=None, **train_cfg) -> dict:
    return dict(
        type='ProHMR',
        data_preprocessor=dict(
            type='mmpose.PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]
        ),
        backbone=dict(type='mmpose.ResNet', depth=18, base_channels=4, stem_channels=4),
        head=dict(type='SMPLFlowHead', in_channels=32, hidden_features=16, num_layers=2, fc_channels=8),
        train_cfg=dict(
            dict(
                discriminator=dict(type='BodyPoseDiscriminator', joints_hidden=8),
                mocap=dict(type='MoCapBodies', num_synthetic=3),
            ),
            **train_cfg,
        ),
        test_cfg=test_cfg,
    )


def make_model(test_cfg=None, **train_cfg) -> ProHMR:
    return MODELS.build(dict(model_config(test_cfg, **train_cfg), _scope_='das_mm'))
