# The released code's schedule on COCO (the paper says that of HRNet, which is 210 epochs)
_base_ = '../../../../configs/_base_/default_runtime.py'

data_mode = 'topdown'
train_cfg = dict(by_epoch=True, max_epochs=270, val_interval=10)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3))
param_scheduler = [dict(type='MultiStepLR', milestones=[170, 200], gamma=0.1, by_epoch=True)]
auto_scale_lr = dict(base_batch_size=256)
