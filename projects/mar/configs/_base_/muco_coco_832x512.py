# MuCo-3DHP and COCO, half of the samples each; MuPoTS-3D for tests (MAR §4.1). das-mm convert muco, and mupots
keypoint_set = 'panoptic15_mpi'
data_root = 'data/'
image_size = (832, 512)

# rotation, flip and colours as the paper says; their ranges are SMAP's, as is a scale on COCO only
photometric = dict(
    type='mmdet.PhotoMetricDistortion',
    brightness_delta=32,
    contrast_range=(0.7, 1.3),
    saturation_range=(0.7, 1.3),
    hue_delta=18)
with_depth = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size=image_size, scale_range=(1., 1.), translate_sigma=0.025,
         max_rotation_rad=0.175),
    dict(type='DASRandomFlip', prob=0.5),
    photometric,
    dict(type='PackDASInputs', supervise_outside=True),  # offsets learn what is out of the image
]
photographs = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size=image_size, scale_range=(0.8, 1.1), translate_sigma=0.025,
         max_rotation_rad=0.175),
    dict(type='DASRandomFlip', prob=0.5),
    photometric,
    dict(type='PackDASInputs'),
]
coco = dict(
    type='DASCocoDataset',
    ann_file='coco/annotations/person_keypoints_train2017.json',
    data_root=data_root,
    data_prefix=dict(img='coco/train2017/'),
    keypoint_set=keypoint_set,
    derive_neck=True,  # COCO has none, and the torso ends there
    filter_cfg=dict(filter_empty_gt=True),
    pipeline=photographs)
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=image_size),
    dict(type='PackDASInputs'),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=4,
    sampler=dict(type='MixedSourceSampler', probabilities=(0.5, 0.5)),
    dataset=dict(
        type='mmengine.ConcatDataset',
        datasets=[
            dict(
                type='DASMuCoDataset',
                ann_file='muco/annotations/train.json',
                data_root=data_root,
                data_prefix=dict(img='muco/'),
                keypoint_set=keypoint_set,
                pipeline=with_depth),
            coco,
        ]))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='DASMuPoTSDataset',
        ann_file='mupots/annotations/test.json',
        data_root=data_root,
        data_prefix=dict(img='mupots/'),
        keypoint_set=keypoint_set,
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

# PCK_rel, PCK_abs, PCK_root, PCOD, all and matched
val_evaluator = dict(type='MuPoTSMetric')
test_evaluator = val_evaluator
