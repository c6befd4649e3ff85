# Table 7 row 3: one multi-source update layer, no MLE. Paper: 58.2 mm
_base_ = './table6-3_root-recursive.py'

model = dict(head=dict(update=dict(num_layers=1)))
