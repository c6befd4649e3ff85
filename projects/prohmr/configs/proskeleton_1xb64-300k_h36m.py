# ProSkeleton as released (thesis, Appendix C): Human3.6M's true 2D joints, all cameras, 300,000 steps of 64. The thesis
# reads detections of a stacked hourglass and has no weight decay; the released trainer has both as here
_base_ = '../../../configs/_base_/default_runtime.py'
custom_imports = dict(imports='projects.prohmr.prohmr')
data_mode = 'topdown'
keypoint_set = 'j17'

# mean and std (17, 2) px of the training set, in a file; None: they are taken from it before the first step
statistics = None
model = dict(
    type='ProSkeleton',
    standardiser=dict(type='KeypointStandardiser', frame='image', statistics=statistics),
    backbone=dict(type='LiftingNetwork', in_channels=34, hidden_channels=1024, num_blocks=2, dropout=0.5),
    head=dict(type='SkeletonFlow', context_channels=1024, hidden_channels=1024, num_layers=4, blocks_per_layer=2),
    train_cfg=dict(
        criterion=dict(type='SkeletonLoss', nll_weight=0.001, mode_weight=1.0, expectation_weight=0.0, noise=0.005)),
    test_cfg=dict(num_samples=64, seed=0))

# in epochs of 5,000 steps
max_epochs = 60
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4))
param_scheduler = []
auto_scale_lr = dict(base_batch_size=64)
default_hooks = dict(checkpoint=dict(save_best='mode_MPJPE', rule='less'))
custom_hooks = [
    dict(type='das_mm.EpochSeedHook'),
    dict(type='SyncBuffersHook'),
    dict(type='InputStatisticsHook'),
]

people = dict(type='PersonView', keypoint_set=keypoint_set)
h36m = dict(type='DASH36MDataset', dataset_name='h36m', data_root='data/', data_prefix=dict(img='h36m/'))
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=False,
    sampler=dict(type='MixedSourceSampler', probabilities=[1.0], length=320000),
    dataset=dict(
        type='mmengine.ConcatDataset',
        datasets=[dict(
            dataset=dict(ann_file='h36m/annotations/train.json', **h36m),
            pipeline=[dict(type='PackSkeletonInputs')], **people)]))
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        dataset=dict(ann_file='h36m/annotations/test.json', **h36m),
        test_mode=True, pipeline=[dict(type='PackSkeletonInputs', test_mode=True)], **people))
test_dataloader = val_dataloader
val_evaluator = dict(type='SampledSkeletonMetric')
# Table 16 and Figure 36: --cfg-options model.test_cfg.num_samples=4096
test_evaluator = dict(type='SampledSkeletonMetric', quantised=(5, 10, 25))
