# The thesis' main model (Tables 2 to 4): Human3.6M and UP-3D, each with probability .5, 25 epochs. P2: MPJPE 72.7,
# Rec. 49.3 (mesh); 71.9, 50.1 (parameters)
_base_ = './_base_/graphcmr_resnet50.py'

train_dataloader = dict(
    sampler=dict(probabilities=[0.5, 0.5]),
    dataset=dict(datasets=[{{_base_.h36m}}, {{_base_.up3d}}]))
max_epochs = 25
train_cfg = dict(max_epochs=max_epochs)
