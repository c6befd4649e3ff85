# Journal §4.2 for tracking: Adam 1.25e-4 for 4 GPUs x 8 images, divided by 10 after 60 of 70 epochs; mixed precision
_base_ = '../default_runtime.py'

train_cfg = dict(by_epoch=True, max_epochs=70, val_interval=5)
optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale=dict(init_scale=512.),
    optimizer=dict(type='Adam', lr=1.25e-4),
    clip_grad=dict(max_norm=35, norm_type=2))
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, begin=0, end=70, milestones=[60], gamma=0.1)]
auto_scale_lr = dict(base_batch_size=32)
