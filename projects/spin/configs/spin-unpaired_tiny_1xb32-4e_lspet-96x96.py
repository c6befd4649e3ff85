# SPIN on photographs with 2D labels alone, at a size for two CPU cores: 640 people of LSPET, and of the tenth that
# is kept aside the first 200 to measure. The backbone's blocks are MoveNet's and stay what they are:
#   das-mm convert lspet …; das-mm convert-checkpoint movenet-multipose.json work_dirs/movenet.pth
#   das-mm project spin.fit_dataset CONFIG --out work_dirs/fits --method adam --steps 30
#   das-mm train CONFIG --cfg-options load_from=work_dirs/movenet.pth
_base_ = './spin_tiny_1xb32-12e_synthetic-96x96.py'
data_root = 'data/'
crop_px = 96

initial_weights = dict(
    paper="MoveNet MultiPose's backbone, which has learnt from photographs of people",
    get='das-mm convert-checkpoint movenet-multipose.json', freeze=dict())
model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
    backbone=dict(_delete_=True, type='MobileNetV2Pyramid', frozen_blocks=17),
    head=dict(in_channels=568, feature_norm=True, hidden_channels=256),
    # measured under a long lens, as the crop's own camera is one
    test_cfg=dict(default_fov_deg=3.))

max_epochs = 4
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
default_hooks = dict(checkpoint=dict(save_best='2d/reprojection', rule='less', max_keep_ckpts=max_epochs))
custom_hooks = [
    dict(type='das_mm.EpochSeedHook'),
    dict(type='SyncBuffersHook'),
    dict(type='FitsStoreHook', static_fits=dict(lspet='work_dirs/fits/lspet.npz')),
]

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonCrop', crop_px=crop_px,
         augmentation=dict(flip_prob=0.5, rotation_deg=30., rotation_prob=0.4, scale=0.25, color=0.4)),
    dict(type='PackPersonInputs'),
]
test_pipeline = [dict(type='LoadImage'), dict(type='PersonCrop', crop_px=crop_px), dict(type='PackPersonInputs')]
view = dict(_delete_=True, type='PersonView', keypoint_set='spin49', box=dict(source='keypoints', factor=1.2))
lspet = dict(type='DASLSPETDataset', data_root=data_root, data_prefix=dict(img='lspet/images/'))
train_dataloader = dict(dataset=dict(
    **view, pipeline=train_pipeline, indices=640,
    dataset=dict(ann_file='lspet/annotations/train_rest.json', **lspet)))
val_dataloader = dict(dataset=dict(
    **view, pipeline=test_pipeline, test_mode=True, indices=200,
    dataset=dict(ann_file='lspet/annotations/val_tenth.json', **lspet)))
test_dataloader = val_dataloader

val_evaluator = dict(_delete_=True, type='ReprojectionMetric')
test_evaluator = val_evaluator
