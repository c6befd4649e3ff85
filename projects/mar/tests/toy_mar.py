"""A MAR small enough to train inside a test, on the toy people of :mod:`tests.toy`."""

from __future__ import annotations

from pathlib import Path

from tests.toy import write_toy_dataset

_TEXT = """
_base_ = 'das_mm::_base_/default_runtime.py'
custom_imports = dict(imports='projects.mar.mar')
keypoint_set = 'panoptic15'
model = dict(
    _scope_='das_mm',
    type='MAR',
    data_preprocessor=dict(type='PoseDataPreprocessor', mean=[124., 116., 104.], std=[58., 57., 57.], bgr_to_rgb=True,
                           pad_size_divisor=32),
    backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=8, out_indices=(1, 2)),
    head=dict(
        type='MARHead',
        keypoint_set=keypoint_set,
        maps=dict(in_channels=(16, 32), strides=(8, 16), feat_channels=8, offset_scales=2),
        sigmas=(1.2, 1.0),
        half_widths=(0.8, 0.8),
        loss_weights=dict(heatmap=100.)),
    test_cfg=dict(score_thr=0.0, peak_thr=-1.0, switch_thr=-1.0))
data = dict(
    type='DASDataset',
    ann_file=@ANN@,
    data_root=@ROOT@,
    data_prefix=dict(img='images/'),
    keypoint_set=keypoint_set)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        pipeline=[
            dict(type='LoadImage'),
            dict(type='DASRandomAffine', input_size=(160, 128), max_rotation_rad=0.1),
            dict(type='DASRandomFlip'),
            dict(type='PackDASInputs', supervise_outside=True)],
        **data))
val_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        test_mode=True,
        pipeline=[dict(type='LoadImage'), dict(type='DASResize', input_size=(160, 128)), dict(type='PackDASInputs')],
        **data))
test_dataloader = val_dataloader
val_evaluator = dict(type='MultiPerson3DMetric')
test_evaluator = val_evaluator
train_cfg = dict(by_epoch=True, max_epochs=1)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=1))
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3))
custom_hooks = [dict(type='GeometryWarmUp', iterations=4)]
"""


def write_toy_mar(root: Path) -> Path:
    """Writes ``root/toy_mar.py`` and its data; returns the path of the config."""
    ann_file = write_toy_dataset(root / 'data', num_images=8, people=(1, 2))
    path = root / 'toy_mar.py'
    path.write_text(_TEXT.replace('@ANN@', repr(str(ann_file))).replace('@ROOT@', repr(str(root / 'data'))))
    return path
