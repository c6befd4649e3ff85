# Where the tiny SPIN may begin, as the paired one of the thesis does: the regressor on other synthetic people with
# their pose and shape parameters
_base_ = './spin_tiny_1xb32-12e_synthetic-96x96.py'

model = dict(train_cfg=dict(in_the_loop=False, ignore_3d=False))
max_epochs = 24
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_dataloader = dict(dataset=dict(dataset=dict(num_images=400, seed=2)))
custom_hooks = [
    dict(type='das_mm.EpochSeedHook'),
    dict(type='SyncBuffersHook'),
    dict(type='FitsStoreHook'),  # without fits: the labels teach
]
