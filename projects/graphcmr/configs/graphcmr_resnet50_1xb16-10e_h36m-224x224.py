# Human3.6M alone, 10 epochs (thesis Table 1). P2: MPJPE 102.1, Rec. 69.0 (mesh); 113.2, 61.3 (parameters)
_base_ = './_base_/graphcmr_resnet50.py'

train_dataloader = dict(
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
    dataset=dict(datasets=[{{_base_.h36m}}]))
max_epochs = 10
train_cfg = dict(max_epochs=max_epochs)
