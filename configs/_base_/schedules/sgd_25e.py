# Journal §4.2: SGD 2e-3 for a batch of 4 GPUs x 4 images, divided by 10 after 16 and 20 of 25 epochs, warm-up of 250
# iterations from a third; biases learn twice as fast and do not decay; mixed precision
_base_ = '../default_runtime.py'

train_cfg = dict(by_epoch=True, max_epochs=25, val_interval=1)

optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale=dict(init_scale=512.),
    optimizer=dict(type='SGD', lr=2e-3, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(bias_lr_mult=2.0, bias_decay_mult=0.0),
    clip_grad=dict(max_norm=35, norm_type=2))

param_scheduler = [
    dict(type='LinearLR', start_factor=1 / 3, by_epoch=False, begin=0, end=250),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=25, milestones=[16, 20], gamma=0.1),
]
auto_scale_lr = dict(base_batch_size=16)
