# Table 8 row 1: no SMPL branch and no MLE
_base_ = './das_mesh-no-mle_resnet50_fpn.py'

model = dict(head=dict(branches=dict(_delete_=True)))
