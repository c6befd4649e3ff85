# CMU Panoptic with COCO as 2D-only data (journal §4.1). Panoptic is converted first (das-mm convert panoptic --root
# data/panoptic --out data/panoptic/annotations/train.json --split train; the same for test); COCO's files are read as
# they are. Panoptic: short side 512 to 640, scale 0.6 to 1.4, no rotation. COCO: scale 0.8 to 1.2, rotation up to 0.15
# rad.
keypoint_set = 'panoptic15'
data_root = 'data/'

photometric = dict(
    type='mmdet.PhotoMetricDistortion',
    brightness_delta=32,
    contrast_range=(0.7, 1.3),
    saturation_range=(0.7, 1.3),
    hue_delta=18)
panoptic_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', short_side_range=(512, 640), max_long_side=1333, scale_range=(0.6, 1.4),
         translate_sigma=0.15, max_rotation_rad=0.),
    dict(type='DASRandomFlip', prob=0.5),
    photometric,
    dict(type='PackDASInputs'),
]
coco_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', short_side_range=(512, 640), max_long_side=1333, scale_range=(0.8, 1.2),
         translate_sigma=0.15, max_rotation_rad=0.15),
    dict(type='DASRandomFlip', prob=0.5),
    photometric,
    dict(type='PackDASInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=(1333, 640)),
    dict(type='PackDASInputs'),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmengine.ConcatDataset',
        datasets=[
            dict(
                type='DASPanopticDataset',
                ann_file='panoptic/annotations/train.json',
                data_root=data_root,
                data_prefix=dict(img='panoptic/'),
                keypoint_set=keypoint_set,
                pipeline=panoptic_pipeline),
            dict(
                type='DASCocoDataset',
                ann_file='coco/annotations/person_keypoints_train2017.json',
                data_root=data_root,
                data_prefix=dict(img='coco/train2017/'),
                keypoint_set=keypoint_set,
                filter_cfg=dict(filter_empty_gt=True),
                pipeline=coco_pipeline),
        ]))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='DASPanopticDataset',
        ann_file='panoptic/annotations/test.json',
        data_root=data_root,
        data_prefix=dict(img='panoptic/'),
        keypoint_set=keypoint_set,
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type='PanopticMetric')
test_evaluator = val_evaluator
