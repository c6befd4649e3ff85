# Table 7 row 2: one plain update layer, no MLE. Paper: 58.6 mm
_base_ = './table6-3_root-recursive.py'

model = dict(head=dict(update=dict(_delete_=True, type='PlainUpdate', num_layers=1)))
