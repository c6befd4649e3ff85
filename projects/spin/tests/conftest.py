"""A few small synthetic people, and a SPIN of a few channels."""

from __future__ import annotations

import pytest

from das_mm.datasets import PersonViewDataset
from das_mm.registry import MODELS
from projects.spin.spin import SPIN

CROP = 64
AUGMENTATION = dict(flip_prob=0.5, rotation_prob=1.0)


@pytest.fixture(scope='package')
def people(tmp_path_factory):
    """The root of a set of five people in five images."""
    from das_mm.datasets.synthetic import SyntheticConfig, generate

    config = SyntheticConfig(
        num_images=5, image_size=(96, 96), people=(1, 1), subject_share=(0.7, 0.9), seed=5, joint_sets=('gt24',)
    )
    return generate(config, tmp_path_factory.mktemp('people'), workers=0, progress=False)


def view_config(people, augmentation=None, **options) -> dict:
    """The person view of :func:`people`, as a config."""
    return dict(
        type='PersonView',
        keypoint_set='spin49',
        dataset=dict(
            type='DASDataset',
            dataset_name='toy',
            ann_file=f'annotations/{people.annotations["gt24"].name}',
            data_root=str(people.root),
            keypoint_set='gt24',
        ),
        openpose=dict(type='ImitatedDetections'),
        pipeline=[
            dict(type='LoadImage'),
            dict(type='PersonCrop', crop_px=CROP, augmentation=augmentation),
            dict(type='PackPersonInputs'),
        ],
        **options,
    )


def make_view(people, augmentation=None, **options) -> PersonViewDataset:
    config = view_config(people, augmentation, **options)
    config.pop('type')
    return PersonViewDataset(**config)


def model_config(**train_cfg) -> dict:
    return dict(
        type='SPIN',
        data_preprocessor=dict(
            type='mmpose.PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]
        ),
        backbone=dict(type='mmpose.ResNet', depth=18, base_channels=4, stem_channels=4),
        head=dict(type='IEFHead', in_channels=32, hidden_channels=16),
        train_cfg=dict(dict(fitting=dict(camera_steps=2, body_steps=3)), **train_cfg),
    )


def make_model(**train_cfg) -> SPIN:
    return MODELS.build(dict(model_config(**train_cfg), _scope_='das_mm'))
