# The synthetic benchmark's tracking at the papers' sizes of network and image, for a GPU (Table 9 row 4): DLA-34,
# 512x512, 70 epochs of 32 images a step. The clips have 3D truth, so poses are in 3D with Panoptic's keypoints
_base_ = ['../_base_/models/das_tracking_dla34.py', '../_base_/schedules/adam_70e.py']

keypoint_set = 'panoptic15'
image_size = (512, 512)
clips = dict(type='SyntheticClips', image_size=image_size, people=(2, 5), clip_length=16, fps=3.,
             keypoint_set=keypoint_set)
model = dict(
    head=dict(num_keypoints=15, dims=3, coder=dict(root_index=2),
              branches=dict(displacement=dict(keypoint_set=keypoint_set))))

still_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size=image_size, scale_range=(0.6, 1.4), translate_sigma=0.1),
    dict(type='DASRandomFlip', prob=0.5),
    dict(type='mmdet.PhotoMetricDistortion', brightness_delta=32, contrast_range=(0.7, 1.3),
         saturation_range=(0.7, 1.3), hue_delta=18),
    dict(type='PackDASInputs'),
]
train_pipeline = [*still_pipeline[:-1], dict(type='AddPreviousFrame'), still_pipeline[-1]]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=image_size),
    dict(type='PackDASInputs'),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(num_images=4000, seed=0, split='train', max_gap=3, pipeline=train_pipeline, **clips))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    sampler=dict(type='SequenceSampler'),
    dataset=dict(num_images=512, seed=1, split='val', test_mode=True, pipeline=test_pipeline, **clips))
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='TrackingMetric'),
    dict(type='MultiPerson3DMetric'),
    dict(type='CocoMetric', score_mode='bbox'),
]
test_evaluator = val_evaluator
