# Synthetic scenes, generated on first use (no download, no licence), at the size the tiny model takes
keypoint_set = 'panoptic15'
image_size = (448, 256)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size=image_size, scale_range=(0.8, 1.25), translate_sigma=0.05),
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
    batch_size=8,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='SyntheticPeople',
        num_images=480,
        image_size=image_size,
        seed=0,
        split='train',
        keypoint_set=keypoint_set,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SyntheticPeople',
        num_images=64,
        image_size=image_size,
        seed=1,
        split='val',
        keypoint_set=keypoint_set,
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type='MultiPerson3DMetric')
test_evaluator = val_evaluator
