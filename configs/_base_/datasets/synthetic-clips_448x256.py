# Synthetic clips of moving people in pairs of frames, generated on first use: three frames a second, so that people
# move far from one to the next and the nearest pose is often somebody else's
keypoint_set = 'panoptic15'
image_size = (448, 256)
clips = dict(people=(2, 4), subject_share=(0.45, 0.85), share_spread=0.2, clothes='suits', clip_length=16, fps=3.)

train_pipeline = [  # without a flip, see synthetic_448x256.py
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size=image_size, scale_range=(0.9, 1.1), translate_sigma=0.03),
    dict(type='mmdet.PhotoMetricDistortion', brightness_delta=16, contrast_range=(0.9, 1.1),
         saturation_range=(0.9, 1.1), hue_delta=6),
    # CenterTrack's noise on previous centres (5 % of the box, 40 % missed) is as large as these displacements: a short
    # training would learn to say zero
    dict(type='AddPreviousFrame', center_jitter=0.01, miss_prob=0.1, false_prob=0.05),
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
        type='SyntheticClips',
        num_images=640,
        image_size=image_size,
        **clips,
        seed=0,
        split='train',
        keypoint_set=keypoint_set,
        max_gap=2,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(type='SequenceSampler'),
    dataset=dict(
        type='SyntheticClips',
        num_images=128,
        image_size=image_size,
        **clips,
        seed=1,
        split='val',
        keypoint_set=keypoint_set,
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = [dict(type='TrackingMetric'), dict(type='MultiPerson3DMetric')]
test_evaluator = val_evaluator
