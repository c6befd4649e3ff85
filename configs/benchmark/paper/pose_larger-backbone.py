# Table 6 row 6: everything, with a 2-stage MSPN (COCO-pretrained in the papers; give its weights with
# --cfg-options model.backbone.init_cfg.…, else it begins from random numbers)
_base_ = './pose.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='MSPNPyramid',
        unit_channels=256,
        num_stages=2,
        num_units=4,
        num_blocks=[3, 4, 6, 3],
        norm_cfg=dict(type='BN')),
    neck=dict(in_channels=[256, 256, 256, 256]))
