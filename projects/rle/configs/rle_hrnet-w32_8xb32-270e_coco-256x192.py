# RLE Table 2b: soft-argmax of HRNet-W32's maps and a linear layer for the scales. 74.3 AP
_base_ = './rle_resnet50_8xb32-270e_coco-256x192.py'

norm_cfg = dict(type='BN')
model = dict(
    backbone=dict(
        _delete_=True,
        type='HRNet',
        in_channels=3,
        extra=dict(
            stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4, ), num_channels=(64, )),
            stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(4, 4), num_channels=(32, 64)),
            stage3=dict(num_modules=4, num_branches=3, block='BASIC', num_blocks=(4, 4, 4),
                        num_channels=(32, 64, 128)),
            stage4=dict(num_modules=3, num_branches=4, block='BASIC', num_blocks=(4, 4, 4, 4),
                        num_channels=(32, 64, 128, 256))),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w32-36af842e.pth')),
    neck=None,
    head=dict(
        _delete_=True,
        type='SoftArgmaxFlowHead',
        in_channels=32,
        num_keypoints=17,
        loss=dict(type='ResidualLikelihoodLoss', dims=2, formula='official', q='laplace'),
        decoder={{_base_.codec}}))
