# Table 7 row 4: two multi-source update layers, no MLE
_base_ = './pose.py'

model = dict(
    head=dict(
        update=dict(num_layers=2),
        loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss')))
