# LSPET (das-mm convert lspet --split train_rest and val_tenth): one person an image, 14 keypoints, true boxes
keypoint_set = 'lsp14'
input_size = (64, 64)
data_root = 'data/lspet/'
codec = dict(type='CenteredRegressionLabel', input_size=input_size)
meta_keys = ('id', 'img_id', 'img_path', 'ori_shape', 'img_shape', 'input_size', 'input_center', 'input_scale', 'flip',
             'flip_direction', 'flip_indices', 'raw_ann_info', 'dataset_name')

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonBox', padding=1.25),
    dict(type='CropJitter', scale=0.25, rotation_deg=45, rotation_prob=0.5, law='uniform'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonBox', padding=1.25),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='PersonKeypointDataset',
        keypoint_set=keypoint_set,
        data_root=data_root,
        ann_file='annotations/train_rest.json',
        data_prefix=dict(img='images/'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='PersonKeypointDataset',
        keypoint_set=keypoint_set,
        data_root=data_root,
        ann_file='annotations/val_tenth.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='CocoMetric', ann_file=data_root + 'annotations/val_tenth.json', score_mode='bbox_rle',
         nms_mode='none'),
    dict(type='ConfidenceCorrelation'),
]
test_evaluator = val_evaluator
