# Table 8 row 1: no SMPL branch, no MLE; the errors of the pose head
_base_ = './mesh.py'

model = dict(
    head=dict(
        loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        branches=dict(_delete_=True)))
val_evaluator = [dict(type='MultiPerson3DMetric')]
test_evaluator = val_evaluator
