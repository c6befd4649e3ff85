# Row 2 of Table 9 at the size of the demo: centre displacement, no MLE
_base_ = './tiny-3_center-mle.py'

model = dict(
    head=dict(
        loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        # gradients of a distance are smaller than those of a likelihood; 0.1 costs two points of MOTA
        branches=dict(displacement=dict(loss=dict(loss_weight=0.5)))))
