# Table 6 row 2, Table 7 row 1: the root stands for the person; no update, no MLE. Paper: 62.5 mm
_base_ = './table6-3_root-recursive.py'

model = dict(head=dict(update=dict(_delete_=True, type='NoUpdate')))
