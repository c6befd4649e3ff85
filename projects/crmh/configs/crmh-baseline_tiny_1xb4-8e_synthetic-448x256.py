# Stage 2 of 3 of the tiny CRMH: whole scenes and the adversarial prior. Begins with stage 1:
#   --cfg-options load_from=work_dirs/crmh-crops_tiny_1xb16-8e_synthetic-256x256/epoch_8.pth
_base_ = ['./_base_/crmh_tiny.py', './_base_/synthetic_448x256.py', './_base_/adversarial_prior.py']

side = dict(
    type='OptimWrapper',
    optimizer=dict(type='RAdam', lr=5e-4, weight_decay=1e-4, decoupled_weight_decay=True),
    clip_grad=dict(max_norm=35, norm_type=2))
optim_wrapper = dict(generator=side, discriminator=side)
model = dict(train_cfg=dict(adversarial=dict(
    discriminator=dict(type='BodyPoseDiscriminator', betas_hidden=(5,), relu_between=False, betas_last=True),
    mocap=dict(type='MoCapBodies', num_synthetic=1000), weight=1 / 60)))
initial_weights = dict(
    _delete_=True,
    paper='its first stage, on crops of one person', get='das-mm train crmh-crops_tiny_1xb16-8e_synthetic-256x256')

max_epochs = 8
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [dict(type='LinearLR', start_factor=1 / 3, by_epoch=False, begin=0, end=50)]
auto_scale_lr = dict(base_batch_size=4)
