# ProHMR at a size that a CPU trains in minutes, on synthetic people who are cut off by their crops half of the time
_base_ = ['./_base_/prohmr_resnet50.py', '../../../configs/_base_/datasets/person-synthetic_96x96.py']
smpl_path = regressors = mean_params = mocap_file = None
crop_px = 96
keypoint_set = 'prohmr44'

model = dict(
    # the package's tiny model knows people in suits, as the papers' backbones know ImageNet
    backbone=dict(
        depth=18, stem_channels=16, base_channels=16,
        init_cfg=dict(checkpoint='das_mm://das_tiny_1xb8-12e_synthetic-448x256', prefix='backbone.')),
    head=dict(in_channels=128, hidden_features=128, dropout=0.1, fc_channels=128, mean_params=None),
    body_model=dict(_delete_=True, type='SMPLBody'),
    train_cfg=dict(
        noisy_start=True,  # the hands of synthetic people never move
        discriminator=dict(joints_hidden=128),
        mocap=dict(_delete_=True, type='MoCapBodies', num_synthetic=2000)),
    test_cfg=dict(num_samples=24))

max_epochs = 16
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=1e-3), clip_grad=dict(max_norm=10.)),
    discriminator=dict(optimizer=dict(lr=5e-4)))
auto_scale_lr = dict(base_batch_size=32)
custom_hooks = [
    dict(type='das_mm.EpochSeedHook'),
    dict(type='SyncBuffersHook'),
]

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ExtremeCrop', prob=0.5),
    # no mirror: the colours say left and right, and a mirrored suit would say the opposite of its labels
    dict(type='PersonCrop', crop_px=crop_px, flip_after_rotation=False,
         augmentation=dict(flip_prob=0.0, rotation_deg=15, scale=0.15, shift=0.02, color=0.2)),
    dict(type='PackPersonInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ExtremeCrop', prob=0.5, seed=0),
    dict(type='PersonCrop', crop_px=crop_px),
    dict(type='PackPersonInputs'),
]
view = dict(keypoint_set=keypoint_set, openpose=None)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **view), persistent_workers=False)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **view))
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='PersonMeshMetric', joints='prohmr14', truth='mesh'),
    dict(type='SampledPoseMetric', joints='prohmr14', truth='mesh', counts=(1, 2, 5, 10, 25)),
]
test_evaluator = val_evaluator
