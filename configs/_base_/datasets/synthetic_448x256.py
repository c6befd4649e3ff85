# Synthetic scenes, generated on first use (no download, no licence), at the size the tiny model takes
keypoint_set = 'panoptic15'
image_size = (448, 256)
# few people, each over half of the image's height, in suits that tell the limbs apart: what can be learnt in minutes.
# No flip: the colours say left and right, and a mirrored suit would say the opposite of its labels
scenes = dict(people=(1, 3), subject_share=(0.55, 0.95), share_spread=0.2, clothes='suits')

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size=image_size, scale_range=(0.9, 1.1), translate_sigma=0.03),
    dict(type='mmdet.PhotoMetricDistortion', brightness_delta=16, contrast_range=(0.9, 1.1),
         saturation_range=(0.9, 1.1), hue_delta=6),
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
        **scenes,
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
        num_images=48,
        image_size=image_size,
        **scenes,
        seed=1,
        split='val',
        keypoint_set=keypoint_set,
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type='MultiPerson3DMetric')
test_evaluator = val_evaluator
