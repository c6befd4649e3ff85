# The mesh demo: the tiny model with an SMPL branch, RLE on its parameters, on synthetic people
_base_ = ['../_base_/models/das_tiny.py', '../_base_/datasets/synthetic-mesh_448x256.py',
          '../_base_/schedules/adamw_tiny.py']

model = dict(
    head=dict(
        branches=dict(
            mesh=dict(
                type='MeshBranch',
                keypoint_set='panoptic15',
                in_channels=64,
                feat_channels=64,
                stacked_convs=1,
                norm_cfg=dict(type='GN', num_groups=8),
                body=dict(type='SMPLBody', model_path=None),
                # ROMP's unit is half the side of its input; the weights are the paper's but for RLE, whose gradients
                # are some twenty times those of a distance: a short training would hear nothing else
                loss_keypoints_2d=dict(type='MeshKeypoint2DLoss', unit_px=224.0, loss_weight=40.0),
                loss_keypoints_3d=dict(type='MeshKeypoint3DLoss', loss_weight=20.0),
                loss_pose=dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=6), loss_weight=0.5),
                loss_shape=dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=10), loss_weight=0.05),
                loss_prior=dict(type='SMPLifyPrior'),
                loss_weight=0.2,  # so few steps teach the pose little if the mesh speaks as loudly
                prior_weight=0.16))))
