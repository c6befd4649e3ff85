# The second part of the recipe of the package's default weights: from a run of the first (load_from), down to a small
# rate
_base_ = './das_small_1xb16_photographs-synthetic-416x320.py'

max_epochs = 8
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
train_dataloader = dict(sampler=dict(probabilities=(0.4, 0.6)))  # more of the photographs, for which the weights are
