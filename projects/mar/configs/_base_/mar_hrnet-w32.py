# The network of MAR §4.2. "ours" marks what the paper does not say
model = dict(
    _scope_='das_mm',
    type='MAR',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32),
    backbone=dict(
        type='HRNet',
        extra=dict(
            stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4, ), num_channels=(64, )),
            stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(4, 4), num_channels=(32, 64)),
            stage3=dict(num_modules=4, num_branches=3, block='BASIC', num_blocks=(4, 4, 4), num_channels=(32, 64, 128)),
            stage4=dict(num_modules=3, num_branches=4, block='BASIC', num_blocks=(4, 4, 4, 4),
                        num_channels=(32, 64, 128, 256), multiscale_output=True)),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w32-36af842e.pth')),
    head=dict(
        type='MARHead',
        keypoint_set='panoptic15_mpi',
        # ours: the offsets read all scales, the depths the two finest. Parameters and operations are near the paper's
        maps=dict(in_channels=(32, 64, 128, 256), strides=(4, 8, 16, 32), feat_channels=256, offset_scales=4,
                  depth_scales=2),
        # ours: depth / focal length x 0.2, SMAP's torso, the 3x3 cells about a root
        roots=dict(depth_scale=0.2, torso_mm=483.7, patch=1),
        sigmas=(2., 2., 2., 2.),  # ours
        half_widths=(1., 1., 1., 1.),  # ours
        # ours: unit targets, weighed as SMAP's 0.1 on maps of 255 and 127 would roughly be
        loss_weights=dict(heatmap=500., field=100., offset=0.05, relative_depth=1., regression=0.1, geometry=0.1)),
    # thresholds ours: SMAP's 0.2
    test_cfg=dict(score_thr=0.2, peak_thr=0.2, switch_thr=0.2, pose_source='adaptive', depth_source='fused',
                  default_fov_deg=55.0))
