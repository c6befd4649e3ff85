# Direct likelihood estimation: the flow alone, no prior
_base_ = '../das_resnet50-fpn_4xb4-25e_panoptic-1333x640.py'

model = dict(
    head=dict(
        loss_pose=dict(_delete_=True, type='das_mm.DLELoss', flow=dict(type='RealNVP', dims=3)),
        loss_pose_2d=dict(_delete_=True, type='das_mm.DLELoss', flow=dict(type='RealNVP', dims=2))))
