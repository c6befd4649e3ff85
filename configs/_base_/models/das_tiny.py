# A DAS that learns on two CPU cores within minutes: a narrow ResNet-18, three levels, 448x256 images
_base_ = './das_resnet50_fpn.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=18,
        stem_channels=24,
        base_channels=24,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True)),
    neck=dict(in_channels=[24, 48, 96, 192], out_channels=64, num_outs=3, add_extra_convs=False),
    head=dict(
        in_channels=64,
        feat_channels=64,
        stacked_convs=1,
        centerness_channels=32,
        last_conv_cfg=None,
        norm_cfg=dict(num_groups=8),
        assigner=dict(strides=(8, 16, 32), regress_ranges=((0, 48), (48, 96), (96, 1e8))),
        coder=dict(root_depth_scale=0.2),
        # the multi-source layer's deformable convolution takes a quarter of a CPU step
        update=dict(_delete_=True, type='PlainUpdate', num_layers=1),
        nms=dict(threshold=0.5)),
    test_cfg=dict(score_thr=0.1, nms_pre=300))
