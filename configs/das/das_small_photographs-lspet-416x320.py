# How the package's default weights do on photographs they have not seen: the tenth of LSPET that is kept aside
# (das-mm convert lspet --split val_tenth). Not everyone in them is labelled, so the numbers of boxes mean little
_base_ = './das_small-cooldown_1xb16-8e_photographs-synthetic-416x320.py'

val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DASLSPETDataset',
        ann_file='lspet/annotations/val_tenth.json',
        data_root={{_base_.data_root}},
        data_prefix=dict(img='lspet/images/'),
        keypoint_set={{_base_.keypoint_set}},
        test_mode=True,
        pipeline={{_base_.test_pipeline}}))
test_dataloader = val_dataloader

val_evaluator = dict(_delete_=True, type='PhotographMetric')
test_evaluator = val_evaluator
