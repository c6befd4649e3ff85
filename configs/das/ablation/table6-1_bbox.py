# Table 6 row 1: the box centre stands for the person; no update, no MLE. Paper: 65.3 mm
_base_ = './table6-2_root.py'

model = dict(head=dict(assigner=dict(center_type='bbox')))
