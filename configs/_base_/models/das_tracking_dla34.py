# DAS for tracking (journal §3.4, §4.2): DLA-34 on three inputs, 2D pose with the 2D flow, centre displacements
_base_ = './das_resnet50_fpn.py'

model = dict(
    type='TrackingDAS',
    tracker=dict(type='GreedyTracker'),
    data_preprocessor=dict(type='TemporalDataPreprocessor'),
    backbone=dict(_delete_=True, type='DLA34', temporal=True),
    neck=dict(_delete_=True, type='DLAUp', in_channels=[64, 128, 256, 512], out_channels=256, start_level=1),
    head=dict(
        num_keypoints=17,
        dims=2,
        assigner=dict(strides=(8, 16, 32), regress_ranges=((0, 80), (80, 160), (160, 1e8))),
        coder=dict(root_index=None),  # the middle of the hips is no keypoint of PoseTrack's set
        branches=dict(
            displacement=dict(
                type='DisplacementBranch',
                keypoint_set='posetrack17',
                per_keypoint=True,
                in_channels=256,
                feat_channels=256,
                stacked_convs=2,
                norm_cfg=dict(type='GN', num_groups=32, requires_grad=True)))))
