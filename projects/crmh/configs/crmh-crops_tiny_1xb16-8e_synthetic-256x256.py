# Stage 1 of 3 of the tiny CRMH: crops of the people of the synthetic scenes
_base_ = ['./_base_/crmh_tiny.py', './_base_/synthetic_448x256.py']

crop_px = 256
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonCrop', crop_px=crop_px,
         augmentation=dict(flip_prob=0., rotation_prob=0., rotation_deg=0., scale=0.1, color=0.1)),
    dict(type='PackPersonInputs'),
]
model = dict(data_preprocessor=dict(input_size=(crop_px, crop_px)))
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        _delete_=True, type='PersonView', keypoint_set='gt24', pipeline=train_pipeline,
        dataset=dict(
            type='SyntheticPeople', num_images=480, seed=0, split='train', image_size=(448, 256), people=(2, 6),
            subject_share=(0.45, 0.85), share_spread=0.2, clothes='suits', joint_sets=('gt24',),
            keypoint_set='gt24')))
initial_weights = None
# measured as the next stage is, on whole scenes
val_dataloader = val_evaluator = val_cfg = test_dataloader = test_evaluator = test_cfg = None

max_epochs = 8
train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='RAdam', lr=1e-3, weight_decay=1e-4, decoupled_weight_decay=True),
    clip_grad=dict(max_norm=35, norm_type=2))
param_scheduler = [dict(type='LinearLR', start_factor=1 / 3, by_epoch=False, begin=0, end=50)]
auto_scale_lr = dict(base_batch_size=16)
