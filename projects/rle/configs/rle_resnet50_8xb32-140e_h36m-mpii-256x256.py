# Single-stage 3D, RLE Table 8: 48.6 mm, protocol 2. Human3.6M crops are the box itself, MPII's the box × 1.25; an epoch
# is Human3.6M once and as many draws from MPII. The released config trains 200 epochs with another set of poses from
# 140 on, which is not part of the paper
_base_ = ['./_base_/adam_270e.py', './_base_/rle_resnet50.py']

keypoint_set = 'h36m18'
input_size = (256, 256)
depth_scale_mm = 2000.
codec = dict(type='CenteredRegressionLabel', input_size=input_size, depth_scale_mm=depth_scale_mm)
meta_keys = ('id', 'img_id', 'img_path', 'ori_shape', 'img_shape', 'input_size', 'input_center', 'input_scale', 'flip',
             'flip_direction', 'flip_indices', 'raw_ann_info', 'dataset_name', 'camera_matrix', 'keypoints_cam_mm',
             'root_depth_mm')

model = dict(
    data_preprocessor=dict(std=[57.375, 57.12, 58.395]),
    head=dict(
        num_keypoints=18,
        dims=3,
        loss=dict(_delete_=True, type='MixedDimensionLoss', formula='official', q='laplace'),
        decoder=codec))

augmentation = [
    dict(type='CropJitter', scale=0.3, rotation_deg=30, rotation_prob=0.6, law='normal'),
    dict(type='NoiseRectangle', max_area=0.7),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='ChannelJitter', factor=0.2),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]
people_3d = dict(
    type='PersonKeypointDataset', source_keypoint_set='h36m17', keypoint_set=keypoint_set, with_depth=True)

train_cfg = dict(max_epochs=140)
param_scheduler = [dict(type='MultiStepLR', milestones=[90, 120], gamma=0.1, by_epoch=True)]
optim_wrapper = dict(type='PerParameterClipOptimWrapper', clip_grad=dict(max_norm=35, norm_type=2))
train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=False,
    sampler=dict(type='PhotographHalfSampler'),
    dataset=dict(
        type='mmengine.ConcatDataset',
        ignore_keys=['dataset_name', 'flip_indices', 'flip_pairs'],
        datasets=[
            dict(**people_3d, ann_file='data/h36m/annotations/train.json', data_prefix=dict(img='data/h36m/images/'),
                 pipeline=[dict(type='LoadImage'), dict(type='PersonBox', padding=1.0), *augmentation]),
            dict(type='PersonKeypointDataset', source_keypoint_set='mpii16', keypoint_set=keypoint_set,
                 ann_file='data/mpii/annotations/train.json', data_prefix=dict(img='data/mpii/images/'),
                 pipeline=[dict(type='LoadImage'), dict(type='PersonBox', padding=1.25), *augmentation]),
        ]))
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        **people_3d,
        ann_file='data/h36m/annotations/test.json',
        data_prefix=dict(img='data/h36m/images/'),
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='PersonBox', padding=1.0),
            dict(type='TopdownAffine', input_size=input_size),
            dict(type='PackPoseInputs', meta_keys=meta_keys),
        ]))
test_dataloader = val_dataloader
val_evaluator = dict(type='RegressedH36MError', protocol=2)
test_evaluator = val_evaluator
