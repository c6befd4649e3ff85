# The synthetic benchmark's poses at the papers' sizes of network and image, for a GPU (Table 6 row 5): ResNet-50,
# 1333x640, 25 epochs; the papers' batch of 4 GPUs x 4 images is that of one GPU here
_base_ = ['../_base_/models/das_resnet50_fpn.py', '../_base_/schedules/sgd_25e.py']

keypoint_set = 'panoptic15'
image_size = (1333, 640)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', short_side_range=(512, 640), max_long_side=1333, scale_range=(0.6, 1.4),
         translate_sigma=0.15, max_rotation_rad=0.),
    dict(type='DASRandomFlip', prob=0.5),
    dict(type='mmdet.PhotoMetricDistortion', brightness_delta=32, contrast_range=(0.7, 1.3),
         saturation_range=(0.7, 1.3), hue_delta=18),
    dict(type='PackDASInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=image_size),
    dict(type='PackDASInputs'),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='SyntheticPeople', num_images=4000, image_size=image_size, seed=0, split='train',
                 keypoint_set=keypoint_set, pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='SyntheticPeople', num_images=500, image_size=image_size, seed=1, split='val',
                 keypoint_set=keypoint_set, test_mode=True, pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type='MultiPerson3DMetric')
test_evaluator = val_evaluator
