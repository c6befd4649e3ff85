# The larger backbone of the papers: a 2-stage MSPN, its last stage's four maps through the same FPN
_base_ = './das_resnet50_fpn.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='MSPNPyramid',
        unit_channels=256,
        num_stages=2,
        num_units=4,
        num_blocks=[3, 4, 6, 3],
        norm_cfg=dict(type='BN'),
        frozen_stages=0),  # random weights are not frozen: see ../initial_weights
    neck=dict(in_channels=[256, 256, 256, 256]))
