# The tracking demo: the tiny model on three inputs, 3D poses and a displacement for every joint, on synthetic clips
_base_ = ['../_base_/models/das_tiny.py', '../_base_/datasets/synthetic-clips_448x256.py',
          '../_base_/schedules/adamw_tiny.py']

model = dict(
    type='TrackingDAS',
    tracker=dict(type='GreedyTracker'),
    data_preprocessor=dict(type='TemporalDataPreprocessor'),
    backbone=dict(type='TemporalResNet'),
    head=dict(
        branches=dict(
            displacement=dict(
                type='DisplacementBranch',
                keypoint_set='panoptic15',
                per_keypoint=True,
                # enough for a backbone that knows displacements already, as the package's does; one that does not needs
                # some forty, or the likelihoods of the poses drown them
                loss=dict(type='mmdet.L1Loss', loss_weight=2.0),
                in_channels=64,
                feat_channels=64,
                stacked_convs=1,
                norm_cfg=dict(type='GN', num_groups=8)))),
    test_cfg=dict(score_thr=0.2))

max_epochs = 10
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
