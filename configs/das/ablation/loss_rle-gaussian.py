# RLE with a Gaussian prior in place of the Laplace one
_base_ = '../das_resnet50-fpn_4xb4-25e_panoptic-1333x640.py'

model = dict(head=dict(loss_pose=dict(prior='gaussian'), loss_pose_2d=dict(prior='gaussian')))
