# Meshes for the package's default weights: a branch is trained on their network, of which nothing else changes, so the
# same people are found. Synthetic people teach pose and shape; on photographs the projected keypoints and the prior do
_base_ = '../das/das_small_1xb16_photographs-synthetic-416x320.py'

load_from = 'das_mm://das_small_1xb16_photographs-synthetic-416x320'
model = dict(
    head=dict(
        branches=dict(
            mesh=dict(
                type='MeshBranch',
                keypoint_set='panoptic15',
                in_channels=64,
                feat_channels=128,
                stacked_convs=2,
                norm_cfg=dict(type='GN', num_groups=8),
                body=dict(type='SMPLBody', model_path=None),
                losses=dict(
                    # ROMP's unit is half the side of its input
                    keypoints_2d=dict(type='MeshKeypoint2DLoss', unit_px=208.0, loss_weight=40.0),
                    keypoints_3d=dict(type='MeshKeypoint3DLoss', loss_weight=20.0),
                    pose=dict(type='das_mm.RotationDistanceLoss', loss_weight=8.0),
                    shape=dict(type='das_mm.L2ParameterLoss', loss_weight=0.6),
                    prior=dict(type='SMPLifyPrior'),
                    prior_weight=0.16)))),
    train_cfg=dict(_delete_=True, train_only=['head.branches.mesh']))

max_epochs = 8
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
train_dataloader = dict(sampler=dict(probabilities=(0.7, 0.3)))

val_evaluator = [
    dict(type='MultiPerson3DMetric'),
    dict(type='MeshMetric', body_model=dict(type='SMPLBody')),
]
test_evaluator = val_evaluator
