# The mesh demo's model without MLE on the SMPL parameters: ROMP's distances in place of RLE
_base_ = './das-mesh_tiny_1xb8-12e_synthetic-448x256.py'

model = dict(
    head=dict(
        branches=dict(
            mesh=dict(
                loss_pose=dict(_delete_=True, type='das_mm.RotationDistanceLoss', loss_weight=8.0),
                loss_shape=dict(_delete_=True, type='das_mm.L2ParameterLoss', loss_weight=0.6)))))
