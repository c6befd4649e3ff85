# Table 6 row 3, Table 7 row 5: three multi-source update layers, no MLE
_base_ = './pose.py'

model = dict(
    head=dict(
        loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss')))
