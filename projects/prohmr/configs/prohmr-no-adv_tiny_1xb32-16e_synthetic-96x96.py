# The tiny ProHMR without the adversary
_base_ = './prohmr_tiny_1xb32-16e_synthetic-96x96.py'

model = dict(train_cfg=dict(discriminator=None))
optim_wrapper = dict(
    _delete_=True, type='OptimWrapper', optimizer=dict(type='AdamW', lr=5e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=10.))
