# Table 7 row 4: two multi-source update layers, no MLE. Paper: 57.9 mm
_base_ = './table6-3_root-recursive.py'

model = dict(head=dict(update=dict(num_layers=2)))
