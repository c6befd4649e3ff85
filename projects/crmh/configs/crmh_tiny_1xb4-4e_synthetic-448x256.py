# Stage 3 of 3 of the tiny CRMH, "full": both coherence losses. Begins with the baseline:
#   --cfg-options load_from=work_dirs/crmh-baseline_tiny_1xb4-8e_synthetic-448x256/epoch_8.pth
_base_ = './crmh-baseline_tiny_1xb4-8e_synthetic-448x256.py'

model = dict(train_cfg=dict(coherence=dict(
    interpenetration=dict(type='InterpenetrationLoss', resolution=16, robust='vertex', loss_weight=0.01),
    depth_order=dict(type='DepthOrderLoss', stride=2, loss_weight=100.))))
side = dict(
    type='OptimWrapper',
    optimizer=dict(type='RAdam', lr=2e-4, weight_decay=1e-4, decoupled_weight_decay=True),
    clip_grad=dict(max_norm=35, norm_type=2))
optim_wrapper = dict(generator=side, discriminator=side)
initial_weights = dict(
    _delete_=True, paper='its second stage',
    get='das-mm train crmh-baseline_tiny_1xb4-8e_synthetic-448x256')

max_epochs = 4
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
