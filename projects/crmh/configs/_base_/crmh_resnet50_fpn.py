# CRMH (thesis §5.3, §5.6.1; released code): Faster R-CNN with ResNet-50 and FPN, a branch of SMPL bodies on its
# regions, one camera of 1000 px for inputs of 832x512. Boxes, regions, anchors and NMS count whole pixels, as
# mmdetection 1 did for which the weights were trained
_base_ = '../../../../configs/_base_/default_runtime.py'
custom_imports = dict(imports='projects.crmh.crmh')

# the licensed body that the labels are of (a file or a folder of the genders' files), the regressors of its joints, and
# SPIN's mean parameters: --cfg-options smpl_path=FILE …; None takes what is generated
smpl_path = 'data/smpl'
regressors = dict(extra='data/J_regressor_extra.npy', h36m='data/J_regressor_h36m.npy')
mean_params = 'data/smpl_mean_params.npz'

assigner = dict(type='MaxIoUAssigner', iou_calculator=dict(type='das_mm.InclusiveOverlaps'), ignore_iof_thr=0.5)
model = dict(
    _scope_='mmdet',
    type='das_mm.CRMH',
    data_preprocessor=dict(
        type='das_mm.FixedSizePreprocessor', input_size=(832, 512), mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(
        type='ResNet', depth=50, num_stages=4, out_indices=(0, 1, 2, 3), frozen_stages=1, norm_eval=True,
        style='pytorch', init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    neck=dict(type='FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=5),
    rpn_head=dict(
        type='RPNHead', in_channels=256, feat_channels=256,
        anchor_generator=dict(
            type='LegacyAnchorGenerator', scales=[8], ratios=[0.5, 1.0, 2.0], strides=[4, 8, 16, 32, 64],
            center_offset=0.5),
        bbox_coder=dict(type='das_mm.InclusiveBoxCoder', target_means=[0.] * 4, target_stds=[1.] * 4),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0),
        loss_bbox=dict(type='SmoothL1Loss', beta=1 / 9, loss_weight=1.0)),
    roi_head=dict(
        type='das_mm.SceneRoIHead',
        bbox_roi_extractor=dict(
            type='das_mm.InclusiveRoIExtractor', out_channels=256, featmap_strides=[4, 8, 16, 32],
            roi_layer=dict(output_size=7, sampling_ratio=2)),
        bbox_head=dict(
            type='Shared2FCBBoxHead', in_channels=256, fc_out_channels=1024, roi_feat_size=7, num_classes=1,
            bbox_coder=dict(type='das_mm.InclusiveBoxCoder', target_means=[0.] * 4, target_stds=[0.1, 0.1, 0.2, 0.2]),
            reg_class_agnostic=False,
            loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
            loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=1.0)),
        smpl_roi_extractor=dict(
            type='das_mm.InclusiveRoIExtractor', out_channels=256, featmap_strides=[4, 8, 16, 32],
            roi_layer=dict(output_size=14, sampling_ratio=2)),
        smpl_head=dict(type='das_mm.SMPLRoIHead', in_channels=256, mean_params=mean_params)),
    body_model=dict(type='SMPLBody', model_path=smpl_path, regressors=regressors),
    train_cfg=dict(
        rpn=dict(
            assigner=dict(pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=0.3, match_low_quality=True, **assigner),
            sampler=dict(type='RandomSampler', num=256, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=False),
            allowed_border=0, pos_weight=-1, debug=False),
        rpn_proposal=dict(
            nms_pre=2000, max_per_img=2000, nms=dict(type='nms', iou_threshold=0.7, offset=1), min_bbox_size=-1),
        rcnn=dict(
            # mmdetection 1 always gave each person its best proposal of 0.5 or more
            assigner=dict(pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.5, match_low_quality=True, **assigner),
            sampler=dict(type='RandomSampler', num=512, pos_fraction=0.25, neg_pos_ub=-1, add_gt_as_proposals=True),
            pos_weight=-1, debug=False),
        criterion=dict(
            type='SMPLBranchLoss', keypoint_error='l1', keypoints_2d_weight=4., keypoints_3d_weight=1.,
            vertices_weight=1., pose_weight=1., betas_weight=0.01)),
    test_cfg=dict(
        rpn=dict(nms_pre=1000, max_per_img=1000, nms=dict(type='nms', iou_threshold=0.7, offset=1), min_bbox_size=-1),
        rcnn=dict(score_thr=0.05, nms=dict(type='nms', iou_threshold=0.5, offset=1), max_per_img=100),
        focal_px=1000.))

initial_weights = dict(
    paper="ImageNet's ResNet-50", get='das-mm convert-checkpoint resnet50.pth', freeze=dict(frozen_stages=1))
