# CRMH at a size for two CPU cores: the same detector and branch with few channels, on the generated body
_base_ = './crmh_resnet50_fpn.py'
smpl_path = regressors = mean_params = None

smpl_path = None
model = dict(
    data_preprocessor=dict(input_size=(448, 256)),
    backbone=dict(
        depth=18, base_channels=16, stem_channels=16, frozen_stages=-1, norm_eval=False,
        # the package's tiny model knows people in suits, as the papers' backbones know ImageNet
        init_cfg=dict(checkpoint='das_mm://das_tiny_1xb8-12e_synthetic-448x256', prefix='backbone.')),
    neck=dict(in_channels=[16, 32, 64, 128], out_channels=64),
    rpn_head=dict(in_channels=64, feat_channels=64),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=64),
        bbox_head=dict(in_channels=64, fc_out_channels=128),
        smpl_roi_extractor=dict(out_channels=64),
        smpl_head=dict(in_channels=64, conv_channels=64, hidden_channels=256, dropout=0.1, mean_params=None)),
    body_model=dict(_delete_=True, type='SMPLBody'),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=128)),
        rpn_proposal=dict(nms_pre=300, max_per_img=200),
        rcnn=dict(sampler=dict(num=32, pos_fraction=0.375))),
    # the scenes' own cameras, of which everyone is known
    test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=200), rcnn=dict(max_per_img=20), focal_px=None, score_thr=0.3))
