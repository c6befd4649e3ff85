# Crowds with both losses between people
_base_ = '../das-mesh_tiny-l2-crowds_1xb8-6e_synthetic-448x256.py'

model = dict(head=dict(branches=dict(mesh=dict(
    loss_interpenetration=dict(type='InterpenetrationLoss', loss_weight=0.05),
    loss_depth_order=dict(type='DepthOrderLoss', stride=4, loss_weight=300.0)))))
