# RLE on the SMPL parameters in place of L2: a flow of 6 dimensions for each joint's rotation, one of 10 for the shape
model = dict(
    head=dict(
        branches=dict(
            mesh=dict(
                loss_pose=dict(_delete_=True, type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=6), loss_weight=8.0),
                loss_shape=dict(_delete_=True, type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=10),
                                loss_weight=0.6)))))
