# Crowds with the penalty on people in front of those whom the image shows; every fourth pixel is judged
_base_ = '../das-mesh_tiny-l2-crowds_1xb8-6e_synthetic-448x256.py'

model = dict(head=dict(branches=dict(mesh=dict(
    loss_depth_order=dict(type='DepthOrderLoss', stride=4, loss_weight=300.0)))))
