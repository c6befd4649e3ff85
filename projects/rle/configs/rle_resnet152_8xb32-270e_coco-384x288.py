# RLE Table 3 (test-dev): 74.2 AP. The paper does not tell the size of the input; 384×288 is that of the rows beside it
_base_ = './rle_resnet50_8xb32-270e_coco-256x192.py'

input_size = (288, 384)
codec = dict(type='CenteredRegressionLabel', input_size=input_size)
meta_keys = {{_base_.meta_keys}}
model = dict(
    backbone=dict(depth=152, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet152')),
    head=dict(decoder=dict(input_size=input_size)))

train_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImage'),
    dict(type='PersonBox', padding=1.25),
    dict(type='RandomHalfBody', prob=0.3, min_total_keypoints=4, min_upper_keypoints=3, min_lower_keypoints=3,
         upper_prioritized_prob=0.69),
    dict(type='CropJitter', scale=0.25, rotation_deg=45, rotation_prob=0.5, law='uniform'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]))
val_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImage'),
    dict(type='PersonBox', padding=1.25),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]))
test_dataloader = val_dataloader
