# The synthetic benchmark's tracking at the size of a CPU: the tracking demo, judged on more clips (Table 9 row 4)
_base_ = '../../tracking/das-track_tiny_1xb8-10e_synthetic-448x256.py'

# sixty clips of three to six people: where there are fewer, the nearest pose is seldom the wrong one
val_dataloader = dict(dataset=dict(num_images=960, people=(3, 6)))
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='TrackingMetric'),
    dict(type='MultiPerson3DMetric'),
    dict(type='CocoMetric', score_mode='bbox'),
]
test_evaluator = val_evaluator
