# Journal §4.2 for the fine-tuning on 3DPW: as sgd_50e, but 10 epochs at 2e-4
_base_ = './sgd_50e.py'

train_cfg = dict(max_epochs=10)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [dict(type='ConstantLR', factor=1.0, by_epoch=True, begin=0, end=10)]
