# A quarter of the images, with meshes; the others are not there, and an epoch has as many steps all the same. What more
# data adds to (thesis Table 6); graph network alone
_base_ = './graphcmr-2d_tiny_1xb32-16e_synthetic-96x96.py'

train_dataloader = dict(
    sampler=dict(_delete_=True, type='MixedSourceSampler', probabilities=[1.0], length=800),
    dataset=dict(datasets=[{{_base_.labelled}}]))
