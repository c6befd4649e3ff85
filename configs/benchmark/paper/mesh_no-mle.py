# Table 8 row 2: the SMPL branch without MLE, neither on poses nor on SMPL's parameters, whose distances have the
# paper's weights
_base_ = './mesh.py'

model = dict(
    head=dict(
        loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        branches=dict(
            mesh=dict(
                loss_pose=dict(_delete_=True, type='das_mm.RotationDistanceLoss', loss_weight=8.0),
                loss_shape=dict(_delete_=True, type='das_mm.L2ParameterLoss', loss_weight=0.6)))))
