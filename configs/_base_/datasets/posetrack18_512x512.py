# PoseTrack18 in pairs of frames, converted first (das-mm convert posetrack18 --root data/posetrack18 --split train
# --out data/posetrack18/annotations/train.json; the same for val). Augmentation as CenterTrack's
keypoint_set = 'posetrack17'
data_root = 'data/'
input_size = (512, 512)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size=input_size, scale_range=(0.6, 1.4), translate_sigma=0.1),
    dict(type='DASRandomFlip', prob=0.5),
    dict(type='mmdet.PhotoMetricDistortion', brightness_delta=32, contrast_range=(0.7, 1.3),
         saturation_range=(0.7, 1.3), hue_delta=18),
    dict(type='AddPreviousFrame'),
    dict(type='PackDASInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=input_size),
    dict(type='PackDASInputs'),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='DASPoseTrack18Dataset',
        ann_file='posetrack18/annotations/train.json',
        data_root=data_root,
        data_prefix=dict(img='posetrack18/'),
        keypoint_set=keypoint_set,
        max_gap=3,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='SequenceSampler'),
    dataset=dict(
        type='DASPoseTrack18Dataset',
        ann_file='posetrack18/annotations/val.json',
        data_root=data_root,
        data_prefix=dict(img='posetrack18/'),
        keypoint_set=keypoint_set,
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type='PoseTrackMetric')
test_evaluator = val_evaluator
