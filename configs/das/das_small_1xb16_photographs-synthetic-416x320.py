# The package's default weights, first part: photographs and synthetic people in one batch, in bfloat16 where the
# processor has it, at one rate for as long as there is time (an epoch is 250 steps; --resume goes on). The second
# part, das_small-cooldown_…, ends it, a third, das_small-warm-restart_…, does both once more, and in a fourth,
# das_small-root-depth_…, the root's depth is weighed by itself
_base_ = [
    '../_base_/models/das_small.py', '../_base_/datasets/photographs-synthetic_416x320.py',
    '../_base_/initial_weights/movenet_multipose.py', '../_base_/default_runtime.py'
]

train_cfg = dict(by_epoch=True, max_epochs=400, val_interval=20)

optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    precision='auto',
    optimizer=dict(type='AdamW', lr=1.5e-3, weight_decay=2e-2),
    paramwise_cfg=dict(
        norm_decay_mult=0., bias_decay_mult=0., custom_keys=dict(backbone=dict(lr_mult=0.1, decay_mult=0.1))),
    clip_grad=dict(max_norm=10, norm_type=2))
param_scheduler = [dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=200)]
auto_scale_lr = dict(base_batch_size=16)

custom_hooks = [
    dict(type='das_mm.EpochSeedHook'), dict(type='SyncBuffersHook'), dict(type='das_mm.ChannelsLastHook')
]
