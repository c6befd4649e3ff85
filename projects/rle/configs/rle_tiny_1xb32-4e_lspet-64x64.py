# Small enough for one thread of a processor, some minutes: a ResNet-18 of an eighth of the width on crops of 64 px. The
# rows of Tables 1, 6 and 7 are options of its loss: see the README
_base_ = ['../../../configs/_base_/default_runtime.py', './_base_/lspet_64x64.py']
custom_imports = dict(imports='projects.rle.rle')

data_mode = 'topdown'
max_epochs = 4
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=32)
default_hooks = dict(checkpoint=dict(max_keep_ckpts=1))

model = dict(
    type='TopdownRegressor',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=8),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='FlowRegressionHead',
        in_channels=64,
        num_keypoints=14,
        dims=2,
        loss=dict(type='ResidualLikelihoodLoss', dims=2, formula='official', q='laplace'),
        decoder={{_base_.codec}}),
    test_cfg=dict(flip_test=True, shift_coords=True))
