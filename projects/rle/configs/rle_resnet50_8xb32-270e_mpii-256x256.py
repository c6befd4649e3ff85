# MPII alone (the paper's supplement): data as das-mm convert mpii writes it; PCKh by mmpose needs mpii_gt_val.mat
_base_ = './rle_resnet50_8xb32-270e_coco-256x192.py'

keypoint_set = 'mpii16'
input_size = (256, 256)
data_root = 'data/mpii/'
codec = dict(type='CenteredRegressionLabel', input_size=input_size)
meta_keys = {{_base_.meta_keys}}
model = dict(head=dict(num_keypoints=16, decoder=dict(input_size=input_size)))

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
    dict(type='PackPoseInputs', meta_keys=(*meta_keys, 'head_size')),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PersonKeypointDataset',
        keypoint_set=keypoint_set,
        data_root=data_root,
        ann_file='annotations/train.json',
        data_prefix=dict(img='images/'),
        pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmpose.MpiiDataset',
        data_root=data_root,
        ann_file='annotations/mpii_val.json',
        headbox_file=data_root + 'annotations/mpii_gt_val.mat',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='MpiiPCKAccuracy')
test_evaluator = val_evaluator
