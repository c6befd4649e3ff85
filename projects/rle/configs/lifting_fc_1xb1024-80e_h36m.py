# Two-stage 3D on true 2D poses, RLE Table 8: FC baseline (Martinez et al., 4.3 M parameters) with RLE, 40.9 mm
_base_ = './_base_/adam_270e.py'
custom_imports = dict(imports='projects.rle.rle')

keypoint_set = 'h36m17'
model = dict(
    type='KeypointLifter',
    backbone=dict(type='TCN', in_channels=2 * 17, stem_channels=1024, num_blocks=2, kernel_sizes=(1, 1, 1),
                  dropout=0.5),
    head=dict(
        type='LiftingFlowHead',
        in_channels=1024,
        num_keypoints=17,
        loss=dict(type='ResidualLikelihoodLoss', dims=3, formula='official', q='laplace')))

train_cfg = dict(max_epochs=80, val_interval=10)
param_scheduler = [dict(type='ExponentialLR', gamma=0.95, by_epoch=True)]
auto_scale_lr = dict(base_batch_size=1024)

people = dict(type='PersonKeypointDataset', keypoint_set=keypoint_set, with_depth=True)
train_dataloader = dict(
    batch_size=1024,
    num_workers=4,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        **people,
        ann_file='data/h36m/annotations/train.json',
        data_prefix=dict(img='data/h36m/images/'),
        pipeline=[dict(type='PackLiftingInputs', flip_prob=0.5)]))
val_dataloader = dict(
    batch_size=1024,
    num_workers=4,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        **people,
        ann_file='data/h36m/annotations/test.json',
        data_prefix=dict(img='data/h36m/images/'),
        test_mode=True,
        pipeline=[dict(type='PackLiftingInputs')]))
test_dataloader = val_dataloader
val_evaluator = dict(type='RegressedH36MError', protocol=2)
test_evaluator = val_evaluator
