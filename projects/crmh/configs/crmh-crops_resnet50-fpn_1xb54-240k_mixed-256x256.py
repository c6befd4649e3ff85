# Stage 1 of 3: the network learns from crops of one person, without discriminator and coherence losses. The thesis has
# some 350,000 iterations, the released README 240,000. The detector learns beside the branch, as released
_base_ = ['./_base_/crmh_resnet50_fpn.py', './_base_/crops_256x256.py']

model = dict(data_preprocessor=dict(input_size=(256, 256)))

val_cfg = test_cfg = None  # measured as the next stage is, on whole images
max_epochs = 24  # of 10,000 iterations
train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='RAdam', lr=1e-4, weight_decay=1e-4, decoupled_weight_decay=True),
    clip_grad=dict(max_norm=35, norm_type=2))
param_scheduler = [dict(type='LinearLR', start_factor=1 / 3, by_epoch=False, begin=0, end=500)]
auto_scale_lr = dict(base_batch_size=54)
