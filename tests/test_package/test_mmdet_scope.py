"""Our modules in mmdet's models, found by mmdet and by mmengine as `das_mm.X`."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from das_mm.models.losses import SigmoidFocalLoss
from tests.toy_run import REPOSITORY

FCOS = dict(
    type='FCOS',
    data_preprocessor=dict(type='DetDataPreprocessor', mean=[104.0] * 3, std=[58.0] * 3, pad_size_divisor=32),
    backbone=dict(type='das_mm.DLA34', channels=(4, 4, 8, 8, 16, 16)),
    neck=dict(type='FPN', in_channels=[8, 8, 16, 16], out_channels=16, start_level=1, num_outs=5,
              add_extra_convs='on_output'),
    bbox_head=dict(
        type='FCOSHead', num_classes=3, in_channels=16, feat_channels=16, stacked_convs=1,
        norm_cfg=dict(type='GN', num_groups=4),
        loss_cls=dict(type='das_mm.SigmoidFocalLoss', use_sigmoid=True)),
    train_cfg=None,
    test_cfg=dict(nms_pre=100, min_bbox_size=0, score_thr=0.0, nms=dict(type='nms', iou_threshold=0.5),
                  max_per_img=10))  # fmt: skip


def test_fcos_of_mmdet_trains_a_step():
    torch.manual_seed(0)
    register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MMDET_MODELS.build(FCOS)
        sample = DetDataSample(metainfo=dict(img_shape=(96, 128), scale_factor=(1.0, 1.0), ori_shape=(96, 128)))
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor([[8.0, 8.0, 70.0, 80.0]]), labels=torch.tensor([1], dtype=torch.long)
        )
        data = dict(inputs=[torch.randint(0, 256, (3, 96, 128), dtype=torch.uint8)], data_samples=[sample])
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        losses = []
        for _ in range(2):
            values = model(**model.data_preprocessor(data, training=True), mode='loss')
            loss, _ = model.parse_losses(values)
            losses.append(float(values['loss_cls']))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert type(model.backbone).__module__.startswith('das_mm.')
    assert isinstance(model.bbox_head.loss_cls, SigmoidFocalLoss)
    assert model.bbox_head.conv_cls.out_channels == 3
    assert model.backbone.level2.tree1.conv1.weight.grad.abs().sum() > 0
    assert losses[1] < losses[0]


def test_class_numbers_are_as_one_hot():
    """mmdet's way to name the classes of a location, the last of them the background."""
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 3, 3, 1])
    targets = torch.zeros(6, 3)
    targets[[0, 1, 2, 5], [0, 1, 2, 1]] = 1
    loss, weight = SigmoidFocalLoss(), torch.tensor([1.0, 0, 1, 1, 0, 1])
    assert loss(logits, labels, avg_factor=4) == loss(logits, targets, avg_factor=4)
    assert loss(logits, labels, weight, 4) == loss(logits[weight > 0], targets[weight > 0], avg_factor=4)
    with pytest.raises(ValueError, match='of one shape'):
        loss(logits, labels[:5])


def test_roots_of_mmengine_know_our_scope():
    code = """
from mmengine.registry import HOOKS, MODELS, DefaultScope
import sys
from das_mm.registry import HOOKS as OUR_HOOKS
assert OUR_HOOKS.get('AtomicCheckpointHook') is HOOKS.get('das_mm.AtomicCheckpointHook')
assert 'mmpose.engine' not in sys.modules  # mmpose is asked for what we have not
assert OUR_HOOKS.get('PoseVisualizationHook').__module__.startswith('mmpose.engine')
assert MODELS.get('das_mm.DLA34').__module__ == 'das_mm.models.backbones.dla'
with DefaultScope.overwrite_default_scope('das_mm'), MODELS.switch_scope_and_registry(None) as ours:
    assert ours.get('RLELoss').__module__.startswith('das_mm.'), ours
"""
    done = subprocess.run(
        [sys.executable, '-c', 'import das_mm\n' + code],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(REPOSITORY), 'OMP_NUM_THREADS': '1'},
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize('scope', ['mmdet', 'mmpose'])
def test_a_head_of_defaults_in_other_scopes(scope):
    with DefaultScope.overwrite_default_scope(scope):
        head = MMDET_MODELS.build(
            dict(
                type='das_mm.DASHead',
                num_keypoints=15,
                in_channels=32,
                feat_channels=32,
                norm_cfg=dict(type='GN', num_groups=4),
            )
        )
    assert type(head.nms).__module__.startswith('das_mm.')
