# MAR §4.2: Adam 5e-4, weight decay 1e-6, 50 000 iterations of a batch of 32 on four GPUs
_base_ = 'das_mm::_base_/default_runtime.py'

train_cfg = dict(by_epoch=False, max_iters=50000, val_interval=5000)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=5e-4, weight_decay=1e-6),
    clip_grad=dict(max_norm=35, norm_type=2))  # ours
# ours: the paper names no schedule beside the rate
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=1000),
    dict(type='MultiStepLR', by_epoch=False, begin=0, end=50000, milestones=[35000, 45000], gamma=0.1),
]
auto_scale_lr = dict(base_batch_size=32)
default_hooks = dict(checkpoint=dict(interval=5000, by_epoch=False), logger=dict(interval=50))
log_processor = dict(by_epoch=False)
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='GeometryWarmUp', iterations=5000),  # ours
]
