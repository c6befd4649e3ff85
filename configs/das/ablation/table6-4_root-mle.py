# Table 6 row 4: MLE (RLE) without update. Paper: 58.8 mm
_base_ = '../das_resnet50-fpn_4xb4-25e_panoptic-1333x640.py'

model = dict(head=dict(update=dict(_delete_=True, type='NoUpdate')))
