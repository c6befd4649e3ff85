# Without L_orth: the six numbers of a rotation may have any length
_base_ = './prohmr_resnet50_1xb64-500k_mixed-224x224.py'

model = dict(train_cfg=dict(criterion=dict(orthogonal=0.)))
