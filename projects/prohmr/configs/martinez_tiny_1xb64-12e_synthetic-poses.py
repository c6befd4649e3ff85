# The regression that ProSkeleton is compared with: the same encoder with Martinez's last layer
_base_ = './proskeleton_tiny_1xb64-12e_synthetic-poses.py'

model = dict(
    head=dict(_delete_=True, type='SkeletonRegression', context_channels=256),
    train_cfg=dict(criterion=dict(nll_weight=0.)),
    test_cfg=dict(num_samples=0))
test_evaluator = dict(quantised=())
