# Where the paired SPIN begins: the regressor on Human3.6M alone, with its pose and shape parameters. The thesis does
# not tell for how long; 20,000 iterations are ours
_base_ = './spin_resnet50_1xb64-350k_mixed-224x224.py'

initial_weights = None
model = dict(train_cfg=dict(in_the_loop=False))
max_epochs = 4
train_cfg = dict(max_epochs=max_epochs)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='MixedSourceSampler', probabilities=[1.], length=320000),
    dataset=dict(_delete_=True, type='mmengine.ConcatDataset', datasets=[{{_base_.h36m}}]))
custom_hooks = [
    dict(type='das_mm.EpochSeedHook'),
    dict(type='SyncBuffersHook'),
    dict(type='das_mm.LabelBodyHook'),
    dict(type='FitsStoreHook'),  # without fits: the labels teach
]
