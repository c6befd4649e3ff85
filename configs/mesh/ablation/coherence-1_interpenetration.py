# Crowds with the penalty on people who stand in each other. CRMH's weight, 1/100, is for a sum over 4 images; here it
# is a mean over 8 in a training of hundreds of steps
_base_ = '../das-mesh_tiny-l2-crowds_1xb8-6e_synthetic-448x256.py'

model = dict(head=dict(branches=dict(mesh=dict(
    loss_interpenetration=dict(type='InterpenetrationLoss', loss_weight=0.05)))))
