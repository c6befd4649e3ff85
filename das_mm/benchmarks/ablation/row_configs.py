"""The config of every row of the tables: a base config for each task and size, and the overrides that make the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .config_variant import ConfigVariant

Override = Mapping[str, Any]


def _head(**settings: Any) -> Override:
    return dict(model=dict(head=settings))


def _test_set(**settings: Any) -> dict[str, Any]:
    return {f'{split}_dataloader': dict(dataset=settings) for split in ('val', 'test')}


def _evaluators(*evaluators: Override) -> dict[str, Any]:
    return {f'{split}_evaluator': list(evaluators) for split in ('val', 'test')}


_L1 = dict(
    loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'), loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss')
)
_NO_UPDATE = dict(update=dict(_delete_=True, type='NoUpdate'))
# the distances of SMPL's parameters, with the paper's weights
_MESH_DISTANCES = dict(
    loss_pose=dict(_delete_=True, type='das_mm.RotationDistanceLoss', loss_weight=8.0),
    loss_shape=dict(_delete_=True, type='das_mm.L2ParameterLoss', loss_weight=0.6),
)
_CENTER_ONLY = dict(displacement=dict(per_keypoint=False))

#: size -> task -> what all rows of the task have in common, which is the row with everything switched on
BASES: dict[str, dict[str, ConfigVariant]] = dict(
    cpu=dict(
        pose=ConfigVariant('benchmark/das_tiny_1xb8-5e_synthetic-256x256.py'),
        # the demo's training, judged on more scenes
        mesh=ConfigVariant('mesh/das-mesh_tiny_1xb8-12e_synthetic-448x256.py', (_test_set(num_images=200),)),
        # sixty clips of three to six people: where there are fewer, the nearest pose is seldom the wrong one
        tracking=ConfigVariant(
            'tracking/das-track_tiny_1xb8-10e_synthetic-448x256.py',
            (
                _test_set(num_images=960, people=(3, 6)),
                _evaluators(
                    dict(type='TrackingMetric'),
                    dict(type='MultiPerson3DMetric'),
                    dict(type='CocoMetric', score_mode='bbox'),
                ),
            ),
        ),
    ),
    paper=dict(
        pose=ConfigVariant('benchmark/das_resnet50-fpn_1xb16-25e_synthetic-1333x640.py'),
        mesh=ConfigVariant('benchmark/das-mesh_resnet50-fpn_1xb48-50e_synthetic-512x512.py'),
        tracking=ConfigVariant('benchmark/das-track_dla34_1xb32-70e_synthetic-512x512.py'),
    ),
)

#: training -> what it overrides at every size
OVERRIDES: dict[str, Override] = {
    'pose': {},
    'pose_bbox': _head(assigner=dict(center_type='bbox'), **_NO_UPDATE, **_L1),
    'pose_root': _head(**_NO_UPDATE, **_L1),
    'pose_recursive': _head(**_L1),
    'pose_mle': _head(**_NO_UPDATE),
    'pose_larger-backbone': {},
    'pose_plain-1': _head(update=dict(_delete_=True, type='PlainUpdate', num_layers=1), **_L1),
    'pose_multi-1': _head(update=dict(num_layers=1), **_L1),
    'pose_multi-2': _head(update=dict(num_layers=2), **_L1),
    'mesh': {},
    'mesh_no-mle': _head(branches=dict(mesh=_MESH_DISTANCES), **_L1),
    'mesh_no-branch': {**_head(branches=dict(_delete_=True), **_L1), **_evaluators(dict(type='MultiPerson3DMetric'))},
    'tracking': {},
    'tracking_center-mle': _head(branches=_CENTER_ONLY),
    'tracking_center': _head(branches=_CENTER_ONLY, **_L1),
    # one image at a time, whose poses are joined to the nearest of the frame before
    'tracking_nearest-pose': dict(
        model=dict(
            tracker=dict(_delete_=True, type='NearestPoseTracker'),
            data_preprocessor=dict(type='PoseDataPreprocessor'),
            head=dict(branches=dict(_delete_=True), **_L1),
        )
    ),
}

#: (size, training) -> what it overrides at this size beside that
OVERRIDES_BY_SIZE: dict[tuple[str, str], Override] = {
    # a ResNet-34 as wide as the other rows' ResNet-18: the blocks that the packaged weights lack begin as identities
    ('cpu', 'pose_larger-backbone'): dict(model=dict(backbone=dict(depth=34))),
    # in the papers the 2-stage MSPN begins from weights trained on COCO; here, from random numbers
    ('paper', 'pose_larger-backbone'): dict(
        model=dict(
            backbone=dict(
                _delete_=True,
                type='MSPNPyramid',
                unit_channels=256,
                num_stages=2,
                num_units=4,
                num_blocks=[3, 4, 6, 3],
                norm_cfg=dict(type='BN'),
            ),
            neck=dict(in_channels=[256, 256, 256, 256]),
        )
    ),
    # gradients of a distance are smaller than those of a likelihood: the displacement is to be as loud beside either
    ('cpu', 'tracking_center'): _head(branches=dict(displacement=dict(loss=dict(loss_weight=0.5)))),
    ('cpu', 'tracking_nearest-pose'): dict(model=dict(backbone=dict(type='ResNet'))),
    ('paper', 'tracking_nearest-pose'): dict(model=dict(backbone=dict(temporal=False))),
}

_WITHOUT_STEPS = {'tracking_nearest-pose': ('AddPreviousFrame',)}


def task_of(training: str) -> str:
    """The task of a training or of a training stage, by its name.

    Example:
        >>> task_of('mesh_no-mle')
        'mesh'
    """
    return training.split('_')[0]


def row_config(size: str, training: str) -> ConfigVariant:
    """The config of a training of the tables.

    Args:
        size: Key of :data:`BASES`.
        training: Key of :data:`OVERRIDES`.
    """
    base = BASES[size][task_of(training)]
    further = (OVERRIDES[training], OVERRIDES_BY_SIZE.get((size, training), {}))
    overrides = (*base.overrides, *(one for one in further if one))
    return ConfigVariant(base.base, overrides, _WITHOUT_STEPS.get(training, ()))
