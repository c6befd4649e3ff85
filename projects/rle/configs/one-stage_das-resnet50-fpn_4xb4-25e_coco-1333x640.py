# One stage (RLE Table 2d, there on PointSet Anchor): DAS's head regresses a mean and a scale of every keypoint at each
# point of its maps and learns them by this loss, here in the released form and in 2D alone
_base_ = '../../../configs/das/das_resnet50-fpn_4xb4-25e_panoptic-1333x640.py'
custom_imports = dict(imports='projects.rle.rle')

keypoint_set = 'coco17'
data_root = 'data/coco/'
model = dict(
    head=dict(
        num_keypoints=17,
        coder=dict(root_index=None),
        loss_pose=dict(_delete_=True, type='das_mm.OfficialRLELoss', flow=dict(type='RealNVP', dims=3)),
        loss_pose_2d=dict(_delete_=True, type='das_mm.OfficialRLELoss', flow=dict(type='RealNVP', dims=2))))

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DASCocoDataset',
        data_root=data_root,
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
        keypoint_set=keypoint_set,
        filter_cfg=dict(filter_empty_gt=True),
        pipeline={{_base_.coco_pipeline}}))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DASCocoDataset',
        data_root=data_root,
        ann_file='annotations/person_keypoints_val2017.json',
        data_prefix=dict(img='val2017/'),
        keypoint_set=keypoint_set,
        test_mode=True,
        pipeline={{_base_.test_pipeline}}))
test_dataloader = val_dataloader
val_evaluator = dict(
    _delete_=True, type='CocoMetric', ann_file=data_root + 'annotations/person_keypoints_val2017.json',
    score_mode='bbox', nms_mode='none')
test_evaluator = val_evaluator
