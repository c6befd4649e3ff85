# Without the adversary: one optimizer
_base_ = './prohmr_resnet50_1xb64-500k_mixed-224x224.py'

model = dict(train_cfg=dict(discriminator=None))
optim_wrapper = dict(
    _delete_=True, type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4))
