# The fourth part of the recipe of the package's default weights: from what the third ended with (load_from), down from
# half the rate, with the root's depth weighed by itself. The flow follows slowly: at the full rate it ran away
_base_ = './das_small_1xb16_photographs-synthetic-416x320.py'

max_epochs = 7
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
model = dict(head=dict(losses=dict(root_depth=dict(type='mmdet.L1Loss', loss_weight=2.0))))
optim_wrapper = dict(
    optimizer=dict(lr=8e-4),
    paramwise_cfg=dict(custom_keys=dict(
        backbone=dict(lr_mult=0.2, decay_mult=0.2), pose_losses=dict(lr_mult=0.1, decay_mult=0.1))))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=100),
    dict(type='LinearLR', start_factor=1.0, end_factor=0.02, by_epoch=False, begin=100, end=1750),
]
train_dataloader = dict(sampler=dict(probabilities=(0.6, 0.4)))
