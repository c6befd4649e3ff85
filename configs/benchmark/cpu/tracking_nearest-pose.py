# Table 9 row 1: one image at a time, no displacement, no MLE; poses are joined to the nearest of the frame before
_base_ = '../../tracking/ablation/tiny-1_nearest-pose.py'

# sixty clips of three to six people: where there are fewer, the nearest pose is seldom the wrong one
val_dataloader = dict(dataset=dict(num_images=960, people=(3, 6)))
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='TrackingMetric'),
    dict(type='MultiPerson3DMetric'),
    dict(type='CocoMetric', score_mode='bbox'),
]
test_evaluator = val_evaluator
