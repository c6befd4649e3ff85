# RLE Table 2c: Mask R-CNN's keypoint head of eight convolutions, an average and one layer of 4K. 66.7 AP. The rest is
# Detectron2's keypoint R-CNN (3x): 270,000 iterations of 16 images, short sides of 640 to 800 px
_base_ = ['mmdet::_base_/models/mask-rcnn_r50_fpn.py', '../../../configs/_base_/default_runtime.py']
custom_imports = dict(imports='projects.rle.rle')

keypoint_set = 'coco17'
data_root = 'data/coco/'
model = dict(
    _scope_='mmdet',
    data_preprocessor=dict(pad_mask=False),
    rpn_head=dict(loss_bbox=dict(type='L1Loss')),
    roi_head=dict(
        type='das_mm.FlowKeypointRoIHead',
        bbox_head=dict(num_classes=1),
        mask_roi_extractor=dict(roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0)),
        mask_head=dict(
            _delete_=True,
            type='das_mm.RoIKeypointFlowHead',
            in_channels=256,
            num_keypoints=17,
            num_convs=8,
            conv_channels=512,
            loss=dict(type='ResidualLikelihoodLoss', dims=2, formula='official', q='laplace'))),
    train_cfg=dict(rpn_proposal=dict(nms_pre=1500, max_per_img=1500)))

train_cfg = dict(type='IterBasedTrainLoop', max_iters=270000, val_interval=30000)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(type='MultiStepLR', by_epoch=False, milestones=[210000, 250000], gamma=0.1),
]
auto_scale_lr = dict(base_batch_size=16)

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=False,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='DASCocoDataset',
        data_root=data_root,
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
        keypoint_set=keypoint_set,
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=[
            dict(type='LoadImage'),
            dict(type='DASResize', short_side_range=(640, 800), max_long_side=1333),
            dict(type='DASRandomFlip', prob=0.5),
            dict(type='PackDASInputs'),
            dict(type='PeopleForDetector'),
        ]))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='DASCocoDataset',
        data_root=data_root,
        ann_file='annotations/person_keypoints_val2017.json',
        data_prefix=dict(img='val2017/'),
        keypoint_set=keypoint_set,
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='DASResize', short_side_range=(800, 800), max_long_side=1333),
            dict(type='PackDASInputs'),
            dict(type='PeopleForDetector'),
        ]))
test_dataloader = val_dataloader
val_evaluator = dict(
    type='CocoMetric', ann_file=data_root + 'annotations/person_keypoints_val2017.json', score_mode='bbox',
    nms_mode='none')
test_evaluator = val_evaluator
