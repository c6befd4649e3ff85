# A DAS that learns on two CPU cores within minutes, for the demo and the tests: a narrow ResNet-18, and only the two
# levels that people over half of a 448x256 image's height need (stride 8 alone would double the time of a step)
_base_ = './das_resnet50_fpn.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=18,
        stem_channels=16,
        base_channels=16,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True)),
    neck=dict(in_channels=[16, 32, 64, 128], out_channels=64, start_level=2, num_outs=2, add_extra_convs=False),
    head=dict(
        in_channels=64,
        feat_channels=64,
        stacked_convs=1,
        centerness_channels=32,
        last_conv_cfg=None,
        norm_cfg=dict(num_groups=8),
        assigner=dict(strides=(16, 32), regress_ranges=((0, 80), (80, 1e8))),
        coder=dict(root_depth_scale=0.2),
        # the multi-source layer's deformable convolution takes a quarter of a CPU step
        update=dict(_delete_=True, type='PlainUpdate', num_layers=1),
        nms=dict(threshold=0.3)),
    test_cfg=dict(score_thr=0.1, nms_pre=300))
