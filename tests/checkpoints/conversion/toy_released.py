"""Checkpoints in the released layout, of random weights and small widths, and the configs that go with them."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from mmpose.models.backbones import MSPN
from torch import Tensor

from das_mm.config_files import config_path

from .released_das import Released, head_layout, random_weights

PANOPTIC = 'das/released/das_mspn2-fpn_released_panoptic-1333x640.py'
MUCO = 'das/released/das_mspn3-fpn_released_muco-1280x768.py'
FULL = {
    PANOPTIC: Released(backbone=dict(unit_channels=256, num_stages=2, num_units=4, num_blocks=[3, 4, 6, 3])),
    MUCO: Released(
        num_joints=21,
        root=14,
        num_layers=2,
        depth_per_mm=1.0,
        relative_mm=50.0,
        backbone=dict(unit_channels=256, num_stages=3, num_units=4, num_blocks=[3, 4, 6, 3]),
    ),
}
SMALL = {
    name: dataclasses.replace(
        spec,
        channels=64,
        centerness_channels=32,
        reduced_channels=64,
        backbone=dict(spec.backbone, unit_channels=16, num_blocks=[1, 1, 1, 1]),
    )
    for name, spec in FULL.items()
}
_SMALL_CONFIG = """
_base_ = {base!r}
model = dict(
    backbone=dict(unit_channels=16, num_blocks=[1, 1, 1, 1]),
    neck=dict(in_channels=[16, 16, 16, 16], out_channels=64),
    head=dict(in_channels=64, feat_channels=64, centerness_channels=32, update=dict(feat_channels=64)))
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', short_side_range=(128, 128), max_long_side=1333, shrink_interpolation='bilinear'),
    dict(type='CornerOrigin'),
    dict(type='PackDASInputs'),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
"""


def layout(spec: Released) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every weight of a released checkpoint; the backbone's names are those of mmpose's MSPN."""
    with torch.device('meta'):
        backbone = MSPN(**spec.backbone).state_dict()
    return {**{f'backbone.{name}': tuple(tensor.shape) for name, tensor in backbone.items()}, **head_layout(spec)}


def small_weights(spec: Released, seed: int = 0) -> dict[str, Tensor]:
    """Random weights whose network finds some dozens of people, in front of the camera."""
    weights = random_weights(layout(spec), seed)
    weights['bbox_head.conv_cls.bias'].fill_(-3.2)
    weights['bbox_head.conv_regs.1.bias'].fill_(8 * spec.depth_per_mm)  # z = 8 f
    return weights


def small_config(folder: Path, base: str) -> Path:
    """A file that is a released config but for its widths and its input size."""
    path = folder / 'small_released.py'
    path.write_text(_SMALL_CONFIG.format(base=config_path(base)))
    return path


def save_as_mmcv(weights: dict[str, Tensor], path: Path) -> Path:
    """As mmcv 1.3 saves: a log with numpy scalars and the state of the optimiser beside the weights."""
    meta = dict(
        mmdet_version='2.14.0',
        config='fp16 = dict(loss_scale=dict(init_scale=512))',
        CLASSES=('person',),
        epoch=22,
        iter=264000,
        seed=None,
        exp_name='exp_panoptic.py',
        mmcv_version='1.3.10',
        hook_msgs=dict(best_score=np.float64(57.4), last=np.float32(57.4), curve=np.arange(3)),
    )
    name, weight = next(iter(weights.items()))
    optimizer = dict(
        state={0: dict(momentum_buffer=torch.zeros_like(weight))}, param_groups=[dict(lr=2e-5, params=[0])]
    )
    torch.save(dict(meta=meta, state_dict=OrderedDict(weights), optimizer=optimizer), path)
    return path
