# Table 6 row 1: the box centre stands for the person; no update, no MLE
_base_ = './pose.py'

model = dict(
    head=dict(
        assigner=dict(center_type='bbox'),
        update=dict(_delete_=True, type='NoUpdate'),
        loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss')))
