# A Laplace distribution of learnt scale, no flow
_base_ = '../das_resnet50-fpn_4xb4-25e_panoptic-1333x640.py'

model = dict(
    head=dict(
        loss_pose=dict(_delete_=True, type='das_mm.LaplaceNLLLoss'),
        loss_pose_2d=dict(_delete_=True, type='das_mm.LaplaceNLLLoss')))
