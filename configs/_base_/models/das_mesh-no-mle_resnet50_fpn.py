# Table 8 row 2: the SMPL branch without MLE, on poses and on parameters
_base_ = './das_mesh_resnet50_fpn.py'

model = dict(
    head=dict(
        loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.L1PoseLoss'),
        branches=dict(
            mesh=dict(
                loss_pose=dict(_delete_=True, type='das_mm.RotationDistanceLoss', loss_weight=8.0),
                loss_shape=dict(_delete_=True, type='das_mm.L2ParameterLoss', loss_weight=0.6)))))
