# The family of Tables 1, 4, 6 and 7 on photographs, minutes a row on one thread: MoveNet's backbone, which knows people
# (as the paper's row with * begins with a backbone that learnt heatmaps), and the paper's head on crops of 96 px:
#   das-mm convert lspet …; das-mm convert-checkpoint movenet-multipose.json work_dirs/movenet.pth
#   das-mm train CONFIG --cfg-options load_from=work_dirs/movenet.pth
_base_ = './rle_tiny_1xb32-4e_lspet-64x64.py'
input_size = (96, 96)
codec = dict(type='CenteredRegressionLabel', input_size=input_size)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonBox', padding=1.25),
    dict(type='CropJitter', scale=0.25, rotation_deg=45, rotation_prob=0.5, law='uniform'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys={{_base_.meta_keys}}),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonBox', padding=1.25),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PackPoseInputs', meta_keys={{_base_.meta_keys}}),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

optim_wrapper = dict(optimizer=dict(lr=1e-3), clip_grad=dict(max_norm=5.))
initial_weights = dict(
    paper='heatmaps on COCO, for the row with * of Table 1',
    get='das-mm convert-checkpoint movenet-multipose.json', freeze=dict())
model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
    backbone=dict(_delete_=True, type='MobileNetV2Pyramid', frozen_blocks=10),
    head=dict(in_channels=568, decoder=codec))
