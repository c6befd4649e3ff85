# ProSkeleton at a size that one CPU core trains in minutes, on skeletons of the synthetic world; keypoints are seen
# about the pelvis, so that any image's serve
_base_ = './proskeleton_1xb64-300k_h36m.py'

model = dict(
    standardiser=dict(frame='person'),
    backbone=dict(hidden_channels=256, dropout=0.1),
    head=dict(context_channels=256, hidden_channels=256))

max_epochs = 12
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
train_dataloader = dict(
    num_workers=0,
    drop_last=True,
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
    dataset=dict(
        _delete_=True, type='SampledSkeletons', num_people=12000, seed=0, noise_px=4.0,
        pipeline=[dict(type='PackSkeletonInputs')]))
val_dataloader = dict(
    num_workers=0,
    dataset=dict(
        _delete_=True, type='SampledSkeletons', num_people=400, seed=1, noise_px=4.0, test_mode=True,
        pipeline=[dict(type='PackSkeletonInputs', test_mode=True)]))
test_dataloader = val_dataloader
val_evaluator = dict(type='SampledSkeletonMetric')
test_evaluator = dict(type='SampledSkeletonMetric', quantised=(5, 10, 25))
