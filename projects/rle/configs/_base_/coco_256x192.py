# COCO keypoints as the released code of RLE trains and tests: crops of box × 1.25, SimplePose's detections in the test,
# rescoring by box + mean + largest keypoint score, OKS-NMS at .9
keypoint_set = 'coco17'
input_size = (192, 256)
data_root = 'data/coco/'
codec = dict(type='CenteredRegressionLabel', input_size=input_size)
meta_keys = ('id', 'img_id', 'img_path', 'category_id', 'ori_shape', 'img_shape', 'input_size', 'input_center',
             'input_scale', 'flip', 'flip_direction', 'flip_indices', 'raw_ann_info', 'dataset_name')

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonBox', padding=1.25),
    dict(type='RandomHalfBody', prob=0.3, min_total_keypoints=4, min_upper_keypoints=3, min_lower_keypoints=3,
         upper_prioritized_prob=0.69),
    dict(type='CropJitter', scale=0.25, rotation_deg=45, rotation_prob=0.5, law='uniform'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonBox', padding=1.25),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]

train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='PersonKeypointDataset',
        keypoint_set=keypoint_set,
        data_root=data_root,
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='PersonKeypointDataset',
        keypoint_set=keypoint_set,
        data_root=data_root,
        ann_file='annotations/person_keypoints_val2017.json',
        bbox_file=data_root + 'person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
        data_prefix=dict(img='val2017/'),
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(
    type='CocoMetric', ann_file=data_root + 'annotations/person_keypoints_val2017.json', score_mode='bbox_rle',
    nms_mode='oks_nms', nms_thr=0.9)
test_evaluator = val_evaluator
