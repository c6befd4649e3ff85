# DAS with ResNet-50 and FPN, as in the papers: 15 Panoptic keypoints, strides 8, 16, 32, 64
num_keypoints = 15

model = dict(
    _scope_='das_mm',  # so that the inferencers of mmpose, which have their own scope, build it too
    type='DAS',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32),
    backbone=dict(
        type='mmdet.ResNet',
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        frozen_stages=-1,  # and BN learns, but for initial weights of the task: see ../initial_weights
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    neck=dict(
        type='mmdet.FPN',
        in_channels=[256, 512, 1024, 2048],
        out_channels=256,
        start_level=1,
        add_extra_convs='on_output',
        num_outs=4,
        relu_before_extra_convs=True),
    head=dict(
        type='DASHead',
        num_keypoints=num_keypoints,
        in_channels=256,
        feat_channels=256,
        stacked_convs=2,
        last_conv_cfg=dict(type='das_mm.ModulatedDeformConv2d'),
        norm_cfg=dict(type='GN', num_groups=32, requires_grad=True),
        assigner=dict(
            type='DASTargetAssigner',
            strides=(8, 16, 32, 64),
            regress_ranges=((0, 80), (80, 160), (160, 320), (320, 1e8)),
            radius=1.5,
            center_type='root'),
        coder=dict(type='DASPoseCoder', root_index=2, root_depth_scale=1.0, relative_depth_scale_mm=500.),
        update=dict(type='MultiSourceUpdate', num_layers=3, num_heads=4),
        loss_cls=dict(type='das_mm.SigmoidFocalLoss', gamma=2.0, alpha=0.25),
        loss_centerness=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
        loss_root=dict(type='mmdet.L1Loss'),
        loss_pose=dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=3), prior='laplace'),
        loss_pose_2d=dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=2), prior='laplace'),
        nms=dict(type='OKSNMS', threshold=0.9, kappa=0.08, max_people=100)),
    test_cfg=dict(score_thr=0.05, nms_pre=1000, with_sigma=False, default_fov_deg=55.0))
