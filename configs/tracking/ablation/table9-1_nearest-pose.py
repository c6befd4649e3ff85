# Table 9 row 1: one image at a time, no displacement, no MLE; poses are joined to the nearest of the frame before.
# Paper: AP 71.4, MOTA 53.2
_base_ = './table9-2_center.py'

model = dict(
    tracker=dict(_delete_=True, type='NearestPoseTracker'),
    data_preprocessor=dict(type='PoseDataPreprocessor'),
    backbone=dict(temporal=False),
    head=dict(branches=dict(_delete_=True)))
train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage'),
        dict(type='DASRandomAffine', input_size={{_base_.input_size}}, scale_range=(0.6, 1.4), translate_sigma=0.1),
        dict(type='DASRandomFlip', prob=0.5),
        dict(type='mmdet.PhotoMetricDistortion', brightness_delta=32, contrast_range=(0.7, 1.3),
             saturation_range=(0.7, 1.3), hue_delta=18),
        dict(type='PackDASInputs'),
    ]))
