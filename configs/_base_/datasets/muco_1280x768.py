# MuCo-3DHP with COCO as 2D-only data, evaluated on MuPoTS-3D (journal §4.1). 21 keypoints
_base_ = './panoptic_1333x640.py'
keypoint_set = 'muco21'

train_dataloader = dict(
    dataset=dict(datasets=[
        dict(
            type='DASMuCoDataset',
            ann_file='muco/annotations/train.json',
            data_root={{_base_.data_root}},
            data_prefix=dict(img='muco/'),
            keypoint_set=keypoint_set,
            pipeline=[
                dict(type='LoadImage'),
                dict(type='DASRandomAffine', input_size=(1280, 768), scale_range=(0.6, 1.4), translate_sigma=0.15),
                dict(type='DASRandomFlip', prob=0.5),
                {{_base_.photometric}},
                dict(type='PackDASInputs'),
            ]),
        dict(
            type='DASCocoDataset',
            ann_file='coco/annotations/person_keypoints_train2017.json',
            data_root={{_base_.data_root}},
            data_prefix=dict(img='coco/train2017/'),
            keypoint_set=keypoint_set,
            filter_cfg=dict(filter_empty_gt=True),
            pipeline=[
                dict(type='LoadImage'),
                dict(type='DASRandomAffine', input_size=(1280, 768), scale_range=(0.8, 1.2), translate_sigma=0.15,
                     max_rotation_rad=0.15),
                dict(type='DASRandomFlip', prob=0.5),
                {{_base_.photometric}},
                dict(type='PackDASInputs'),
            ]),
    ]))
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=(1280, 768)),
    dict(type='PackDASInputs'),
]
val_dataloader = dict(
    dataset=dict(
        type='DASMuPoTSDataset',
        ann_file='mupots/annotations/test.json',
        data_prefix=dict(img='mupots/'),
        keypoint_set=keypoint_set,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MuPoTSMetric'), dict(type='MultiPerson3DMetric')]
test_evaluator = val_evaluator
