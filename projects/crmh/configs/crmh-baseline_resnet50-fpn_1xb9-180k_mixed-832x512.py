# Stage 2 of 3, "our baseline": whole images and the adversarial prior, without the coherence losses. Begins with stage
# 1: --cfg-options load_from=work_dirs/crmh-crops_…/epoch_24.pth
_base_ = ['./_base_/crmh_resnet50_fpn.py', './_base_/mixed_832x512.py', './_base_/adversarial_prior.py']

# A discriminator against poses and shapes of real people (MoSh of Human3.6M), 1/60 on each side. Its file:
# --cfg-options model.train_cfg.adversarial.mocap.file=FILE; None takes generated bodies
model = dict(train_cfg=dict(adversarial=dict(
    discriminator=dict(type='BodyPoseDiscriminator', betas_hidden=(5,), relu_between=False, betas_last=True),
    mocap=dict(type='MoCapBodies', file='data/h36m/extras/h36m_single_train_openpose.npz'), weight=1 / 60)))
initial_weights = dict(
    paper='its first stage, on crops of one person',
    get='das-mm train crmh-crops_resnet50-fpn_1xb54-240k_mixed-256x256')

max_epochs = 18  # of 10,000 iterations
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
train_dataloader = dict(batch_size=9, sampler=dict(length=90000))
auto_scale_lr = dict(base_batch_size=9)
