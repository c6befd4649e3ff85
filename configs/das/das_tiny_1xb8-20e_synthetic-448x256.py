# The recipe of the small checkpoint in the package: the demo's model, with more scenes and more passes over them
_base_ = './das_tiny_1xb8-12e_synthetic-448x256.py'

max_epochs = 20
train_cfg = dict(max_epochs=max_epochs, val_interval=5)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
train_dataloader = dict(dataset=dict(num_images=1200))
