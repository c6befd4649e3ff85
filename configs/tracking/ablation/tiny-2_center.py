# Row 2 of Table 9 at the size of the demo: centre displacement, no MLE
_base_ = './tiny-3_center-mle.py'

model = dict(
    head=dict(
        loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss')))
