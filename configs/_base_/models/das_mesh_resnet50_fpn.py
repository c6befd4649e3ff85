# DAS with the SMPL branch (journal §3.4, §4.2): 14 LSP keypoints, three levels, RLE on the parameters
_base_ = './das_resnet50_fpn.py'

model = dict(
    neck=dict(num_outs=3),
    head=dict(
        num_keypoints=14,
        assigner=dict(strides=(8, 16, 32), regress_ranges=((0, 80), (80, 160), (160, 1e8))),
        coder=dict(root_index=None),  # the middle of the hips is no keypoint of the set
        branches=dict(
            mesh=dict(
                type='MeshBranch',
                keypoint_set='lsp14',
                in_channels=256,
                feat_channels=256,
                stacked_convs=2,
                norm_cfg=dict(type='GN', num_groups=32, requires_grad=True),
                last_conv_cfg=dict(type='das_mm.ModulatedDeformConv2d'),
                body=dict(type='SMPLBody', model_path=None),  # path of a licensed SMPL file; None: the generated body
                loss_keypoints_2d=dict(type='MeshKeypoint2DLoss', unit_px=256.0, loss_weight=40.0),
                loss_keypoints_3d=dict(type='MeshKeypoint3DLoss', loss_weight=20.0),
                loss_pose=dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=6), loss_weight=8.0),
                loss_shape=dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=10), loss_weight=0.6),
                loss_prior=dict(type='SMPLifyPrior'),
                prior_weight=0.16))))
