# Displacements learn slowly beside likelihoods: they are loud here. The first 2 epochs of 12
_base_ = '../../tracking/das-track_tiny_1xb8-10e_synthetic-448x256.py'

model = dict(head=dict(branches=dict(displacement=dict(loss=dict(loss_weight=60.)))))
optim_wrapper = dict(clip_grad=dict(max_norm=60))
train_dataloader = dict(dataset=dict(num_images=1920))
train_cfg = dict(max_epochs=2)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=12, T_max=12, convert_to_iter_based=True),
]
