# 3DPW alone, for the fine-tuning (journal §4.2); evaluated on its test set
_base_ = './mesh-mixed_512x512.py'

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
