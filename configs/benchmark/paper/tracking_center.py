# Table 9 row 2: centre displacement, no MLE
_base_ = './tracking.py'

model = dict(
    head=dict(
        loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        branches=dict(displacement=dict(per_keypoint=False))))
