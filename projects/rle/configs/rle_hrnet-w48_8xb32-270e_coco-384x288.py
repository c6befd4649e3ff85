# RLE Table 3 (test-dev): 75.7 AP
_base_ = './rle_resnet152_8xb32-270e_coco-384x288.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='HRNet',
        in_channels=3,
        extra=dict(
            stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4, ), num_channels=(64, )),
            stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(4, 4), num_channels=(48, 96)),
            stage3=dict(num_modules=4, num_branches=3, block='BASIC', num_blocks=(4, 4, 4),
                        num_channels=(48, 96, 192)),
            stage4=dict(num_modules=3, num_branches=4, block='BASIC', num_blocks=(4, 4, 4, 4),
                        num_channels=(48, 96, 192, 384))),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w48-8ef0771d.pth')),
    neck=None,
    head=dict(
        _delete_=True,
        type='SoftArgmaxFlowHead',
        in_channels=48,
        num_keypoints=17,
        loss=dict(type='ResidualLikelihoodLoss', dims=2, formula='official', q='laplace'),
        decoder={{_base_.codec}}))
