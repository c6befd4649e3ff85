# Journal §4.2 for meshes: as sgd_25e, but 50 epochs of 4 GPUs x 12 images, divided by 10 after 30 and 40
_base_ = './sgd_25e.py'

train_cfg = dict(max_epochs=50)
param_scheduler = [
    dict(type='LinearLR', start_factor=1 / 3, by_epoch=False, begin=0, end=250),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=50, milestones=[30, 40], gamma=0.1),
]
auto_scale_lr = dict(base_batch_size=48)
