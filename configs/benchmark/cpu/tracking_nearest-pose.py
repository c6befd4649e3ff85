# Table 9 row 1: one image at a time, no displacement, no MLE; poses are joined to the nearest of the frame before
_base_ = '../../tracking/ablation/tiny-1_nearest-pose.py'

val_dataloader = dict(dataset=dict(num_images=480))
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='TrackingMetric'),
    dict(type='MultiPerson3DMetric'),
    dict(type='CocoMetric', score_mode='bbox'),
]
test_evaluator = val_evaluator
