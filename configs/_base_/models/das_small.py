# The package's own model for photographs on a CPU: MoveNet's backbone, levels of strides 8, 16 and 32 that fit people
# of 40 px and more on an input of about 416x320, and the papers' multi-source update
_base_ = './das_resnet50_fpn.py'

num_keypoints = {{_base_.num_keypoints}}
model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
    backbone=dict(_delete_=True, type='MobileNetV2Pyramid'),
    neck=dict(_delete_=True, type='mmdet.FPN', in_channels=[96, 200, 568], out_channels=64, num_outs=3),
    head=dict(
        _delete_=True,
        type='DASHead',
        num_keypoints=num_keypoints,
        towers=dict(
            in_channels=64,
            feat_channels=64,
            stacked_convs=1,
            centerness_channels=32,
            norm_cfg=dict(type='GN', num_groups=8, requires_grad=True),
            # a σ that begins at two strides and 1 m leaves the poses almost without a gradient
            sigma_limit=1.0),
        update=dict(type='MultiSourceUpdate', num_layers=1, num_heads=4, feat_channels=32, num_groups=8),
        targets=dict(
            assigner=dict(
                type='DASTargetAssigner',
                strides=(8, 16, 32),
                regress_ranges=((0, 64), (64, 160), (160, 1e8)),
                radius=1.5,
                center_type='root'),
            coder=dict(type='DASPoseCoder', root_index=2, root_depth_scale=0.5, relative_depth_scale_mm=500.),
            unlabelled_confidence=0.4),
        losses=dict(
            cls=dict(type='das_mm.SigmoidFocalLoss', gamma=2.0, alpha=0.25),
            centerness=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
            root=dict(type='mmdet.L1Loss'),
            # normalised, so that σ is a scale in px and mm and does not grow to its limit
            pose=dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=3), normalized=True, partition_samples=512),
            pose_2d=dict(
                type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=2), normalized=True, partition_samples=512)),
        test_cfg=dict(nms=dict(type='OKSNMS', threshold=0.3, kappa=0.08, max_people=100))),
    train_cfg=dict(
        auxiliary_head=dict(type='KeypointHeatmapHead', num_keypoints=num_keypoints, in_channels=64, stride=8)),
    # for precision: what is said of a photograph should be people
    test_cfg=dict(score_thr=0.2, nms_pre=300, with_sigma=False, default_fov_deg=55.0))
