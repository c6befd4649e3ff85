# The released code's mix "itw", its default: LSP .1, COCO .3, MPII .3, UP-3D .3
_base_ = './_base_/graphcmr_resnet50.py'

train_dataloader = dict(
    sampler=dict(probabilities=[0.1, 0.3, 0.3, 0.3]),
    dataset=dict(datasets=[{{_base_.lsp}}, {{_base_.coco}}, {{_base_.mpii}}, {{_base_.up3d}}]))
