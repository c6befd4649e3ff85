# Table 9 row 1: one image at a time, no displacement, no MLE; poses are joined to the nearest of the frame before
_base_ = './tracking.py'

model = dict(
    tracker=dict(_delete_=True, type='NearestPoseTracker'),
    data_preprocessor=dict(type='PoseDataPreprocessor'),
    backbone=dict(temporal=False),
    head=dict(
        loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        branches=dict(_delete_=True)))
train_dataloader = dict(dataset=dict(pipeline={{_base_.still_pipeline}}))
