# Thesis Table 6, weaker labels: Human3.6M with meshes, LSP and MPII with 2D keypoints alone. P1: MPJPE 78.6, Rec. 56.6.
# How often each set was drawn is not told: half of the crops from Human3.6M, the others as in the code's mix
_base_ = './_base_/graphcmr_resnet50.py'

train_dataloader = dict(
    sampler=dict(probabilities=[0.5, 0.17, 0.33]),
    dataset=dict(datasets=[{{_base_.h36m}}, {{_base_.lsp}}, {{_base_.mpii}}]))
max_epochs = 25
train_cfg = dict(max_epochs=max_epochs)
