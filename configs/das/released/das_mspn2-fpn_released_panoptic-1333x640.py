# The model of the authors' released Panoptic checkpoint, in its own units and pixels: for what `das-mm
# convert-checkpoint` makes of it, and for training on from there
_base_ = '../das_mspn2-fpn_4xb4-25e_panoptic-1333x640.py'
keypoint_set = {{_base_.keypoint_set}}

model = dict(
    neck=dict(norm_cfg=dict(type='BN')),
    head=dict(
        assigner=dict(region='square'),
        # its depth map is 20 z_cm / f = 2 z_mm / f, its relative depths are in units of 50 cm
        coder=dict(type='KeypointRootCoder', root_depth_scale=2.0, relative_depth_scale_mm=500.),
        loss_pose=dict(type='das_mm.OfficialRLELoss', prior=None),
        loss_pose_2d=dict(type='das_mm.OfficialRLELoss', prior=None)),
    test_cfg=dict(score_thr=0.07))

corner_origin = dict(type='CornerOrigin')  # behind every resizing step
train_dataloader = dict(
    dataset=dict(datasets=[
        dict(
            type='DASPanopticDataset',
            ann_file='panoptic/annotations/train.json',
            data_root={{_base_.data_root}},
            data_prefix=dict(img='panoptic/'),
            keypoint_set=keypoint_set,
            pipeline=[
                dict(type='LoadImage'),
                dict(type='DASRandomAffine', short_side_range=(512, 640), max_long_side=1333, scale_range=(0.6, 1.4)),
                corner_origin,
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
                dict(type='DASRandomAffine', short_side_range=(512, 640), max_long_side=1333, scale_range=(0.8, 1.2),
                     max_rotation_rad=0.15),
                corner_origin,
                dict(type='DASRandomFlip', prob=0.5),
                {{_base_.photometric}},
                dict(type='PackDASInputs'),
            ]),
    ]))
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', short_side_range=(640, 640), max_long_side=1333, shrink_interpolation='bilinear'),
    corner_origin,
    dict(type='PackDASInputs'),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
