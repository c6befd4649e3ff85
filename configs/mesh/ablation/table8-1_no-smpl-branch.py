# Table 8 row 1: no SMPL branch and no MLE. Paper: 79.1 / 43.7 mm; the errors of the pose head
_base_ = './table8-2_no-mle.py'

model = dict(head=dict(branches=dict(_delete_=True)))
val_evaluator = [dict(type='MultiPerson3DMetric')]
test_evaluator = val_evaluator
