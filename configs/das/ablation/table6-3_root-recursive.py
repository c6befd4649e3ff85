# Table 6 row 3, Table 7 row 5: three multi-source update layers, no MLE. Paper: 57.6 mm
_base_ = '../das_resnet50-fpn_4xb4-25e_panoptic-1333x640.py'

model = dict(
    head=dict(
        loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss')))
