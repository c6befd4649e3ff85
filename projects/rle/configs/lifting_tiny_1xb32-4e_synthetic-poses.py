# Lifting on synthetic poses with true depths, seconds to a minute on one thread. The rows of Tables 6, 7 and 8 are
# options of its loss: see the README
_base_ = '../../../configs/_base_/default_runtime.py'
custom_imports = dict(imports='projects.rle.rle')

data_mode = 'topdown'
max_epochs = 4
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(max_keep_ckpts=1))

model = dict(
    type='KeypointLifter',
    backbone=dict(type='TCN', in_channels=2 * 24, stem_channels=256, num_blocks=2, kernel_sizes=(1, 1, 1),
                  dropout=0.1),
    head=dict(
        type='LiftingFlowHead',
        in_channels=256,
        num_keypoints=24,
        loss=dict(type='ResidualLikelihoodLoss', dims=3, formula='official', q='laplace')))

train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='SyntheticPoseDataset', num_people=1500, seed=0,
        pipeline=[dict(type='PackLiftingInputs', flip_prob=0.5)]))
val_dataloader = dict(
    batch_size=100,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='SyntheticPoseDataset', num_people=300, seed=1, test_mode=True,
        pipeline=[dict(type='PackLiftingInputs')]))
test_dataloader = val_dataloader
val_evaluator = dict(type='RegressedH36MError', protocol='all', num_evaluated=24)
test_evaluator = val_evaluator
