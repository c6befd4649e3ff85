# Journal §4.2: fine-tuning on 3DPW's training set, 10 epochs at 2e-4. Give the weights of the config of the mixture:
# --cfg-options load_from=…/epoch_50.pth. Paper, Tables 4 and 8: MPJPE 76.4, PMPJPE 41.1, PVE 93.9
_base_ = './das-mesh_resnet50-fpn_4xb12-50e_mixed-512x512.py'

train_cfg = dict(max_epochs=10)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [dict(type='ConstantLR', factor=1.0, by_epoch=True, begin=0, end=10)]
train_dataloader = dict(
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
    dataset=dict(
        _delete_=True,
        type='DAS3DPWDataset',
        ann_file='3dpw/annotations/train.json',
        data_root={{_base_.data_root}},
        data_prefix=dict(img='3dpw/'),
        keypoint_set={{_base_.keypoint_set}},
        pipeline={{_base_.train_pipeline}}))
