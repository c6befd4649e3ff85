# A MAR that learns on two CPU cores within a quarter of an hour: backbone and pyramid of the tiny DAS, a level finer
_base_ = './mar_hrnet-w32.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=18,
        stem_channels=16,
        base_channels=16,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True),
        # the package's tiny model knows people in suits, as the paper's backbone knows ImageNet
        init_cfg=dict(
            type='Pretrained', checkpoint='das_mm://das_tiny_1xb8-12e_synthetic-448x256', prefix='backbone.')),
    neck=dict(type='mmdet.FPN', in_channels=[16, 32, 64, 128], out_channels=64, start_level=1, num_outs=3),
    head=dict(
        keypoint_set='panoptic15',
        maps=dict(in_channels=(64, 64, 64), strides=(8, 16, 32), feat_channels=64, offset_scales=3, depth_scales=3),
        roots=dict(torso_mm=523.),
        sigmas=(1.2, 1.0, 0.8),
        half_widths=(0.8, 0.8, 0.8),
        loss_weights=dict(heatmap=100., field=30., offset=0.5, relative_depth=1., regression=0.2, geometry=0.2)))
