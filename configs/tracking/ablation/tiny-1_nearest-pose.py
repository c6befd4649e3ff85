# Row 1 of Table 9 at the size of the demo: one image at a time, joined to the nearest pose of the frame before
_base_ = './tiny-2_center.py'

model = dict(
    tracker=dict(_delete_=True, type='NearestPoseTracker'),
    data_preprocessor=dict(type='PoseDataPreprocessor'),
    backbone=dict(type='ResNet'),
    head=dict(branches=dict(_delete_=True)))
train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage'),
        dict(type='DASRandomAffine', input_size={{_base_.image_size}}, scale_range=(0.9, 1.1), translate_sigma=0.03),
        dict(type='mmdet.PhotoMetricDistortion', brightness_delta=16, contrast_range=(0.9, 1.1),
             saturation_range=(0.9, 1.1), hue_delta=6),
        dict(type='PackDASInputs'),
    ]))
