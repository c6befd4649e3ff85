# MAR Table 2: Human3.6M, protocol 2 (subjects 1, 5, 6, 7, 8 every 5th frame; tested on 9, 11 every 64th), and COCO.
# MRPE; das-mm convert h36m writes both files
_base_ = ['./_base_/mar_hrnet-w32.py', './_base_/muco_coco_832x512.py', './_base_/schedule_50k.py']
custom_imports = dict(imports='projects.mar.mar')

keypoint_set = 'h36m17'
data_root = {{_base_.data_root}}
h36m = dict(
    type='DASH36MDataset',
    data_root=data_root,
    data_prefix=dict(img='h36m/'),
    keypoint_set=keypoint_set)

model = dict(head=dict(keypoint_set=keypoint_set))
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(ann_file='h36m/annotations/train.json', pipeline={{_base_.with_depth}}, **h36m),
            dict(
                type='DASCocoDataset',
                ann_file='coco/annotations/person_keypoints_train2017.json',
                data_root=data_root,
                data_prefix=dict(img='coco/train2017/'),
                keypoint_set=keypoint_set,
                derive_neck=True,
                filter_cfg=dict(filter_empty_gt=True),
                pipeline={{_base_.photographs}}),
        ]))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        ann_file='h36m/annotations/test.json',
        test_mode=True,
        pipeline={{_base_.test_pipeline}},
        **h36m))
test_dataloader = val_dataloader

val_evaluator = dict(_delete_=True, type='H36MMetric', protocols=('pose_p2', ))
test_evaluator = val_evaluator
