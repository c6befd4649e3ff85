# Table 9 row 2: centre displacement, no MLE. Paper: AP 68.7, MOTA 60.1
_base_ = './table9-3_center-mle.py'

model = dict(head=dict(loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss')))
