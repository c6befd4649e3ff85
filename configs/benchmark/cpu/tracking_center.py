# Table 9 row 2: centre displacement, no MLE. How loud the displacement is beside the poses follows from the poses' loss
_base_ = '../../tracking/ablation/tiny-2_center.py'

# sixty clips of three to six people: where there are fewer, the nearest pose is seldom the wrong one
val_dataloader = dict(dataset=dict(num_images=960, people=(3, 6)))
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='TrackingMetric'),
    dict(type='MultiPerson3DMetric'),
    dict(type='CocoMetric', score_mode='bbox'),
]
test_evaluator = val_evaluator
