# The third part of the recipe of the package's default weights: from what the second ended with (load_from), up to the
# full rate again and down to a small one, with a few more of the synthetic people, of whom depth is learnt
_base_ = './das_small_1xb16_photographs-synthetic-416x320.py'

max_epochs = 13
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
train_dataloader = dict(sampler=dict(probabilities=(0.55, 0.45)))
