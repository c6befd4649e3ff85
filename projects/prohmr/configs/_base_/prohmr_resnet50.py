# ProHMR as released (thesis §4.3, §4.4.1): ResNet-50, four layers of Glow, the adversary of HMR
_base_ = '../../../../configs/_base_/default_runtime.py'
custom_imports = dict(imports='projects.prohmr.prohmr')
data_mode = 'topdown'

# the licensed body that the labels are of (a file or a folder of the genders' files), the regressors of its joints,
# the mean parameters, and CMU's motion capture: --cfg-options smpl_path=FILE …; None takes what is generated
smpl_path = 'data/smpl'
regressors = dict(j19='data/SMPL_to_J19.pkl')
mean_params = 'data/smpl_mean_params.npz'
mocap_file = 'data/cmu_mocap.npz'

model = dict(
    type='ProHMR',
    data_preprocessor=dict(
        type='mmpose.PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(
        type='mmpose.ResNet', depth=50,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    head=dict(type='SMPLFlowHead', in_channels=2048, hidden_features=1024, num_layers=4, blocks_per_layer=2,
              dropout=0.5, fc_channels=1024, mean_params=mean_params),
    body_model=dict(type='SMPLBody', model_path=smpl_path, regressors=regressors),
    train_cfg=dict(
        num_samples=2,  # the mode and one sample
        criterion=dict(
            type='ProHMRLoss', nll=0.001, orthogonal=0.1, adversarial=0.0005, noise=0.005,
            mode=dict(keypoints_2d=0.01, keypoints_3d=0.05, global_orient=0.001, body_pose=0.001, betas=0.0005),
            samples=dict(keypoints_2d=0.001)),
        discriminator=dict(type='BodyPoseDiscriminator'),
        mocap=dict(type='MoCapBodies', file=mocap_file)))

# 500,000 iterations of 64 crops, in epochs of 5,000; no decay. Mixed precision on a GPU: type='AmpOptimWrapper' in the
# generator; the flow and the bodies stay in float32
max_epochs = 100
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    constructor='AdversarialOptimizers',
    generator=dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4)),
    discriminator=dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4)))
param_scheduler = []
auto_scale_lr = dict(base_batch_size=64)

default_hooks = dict(checkpoint=dict(save_best='PA-MPJPE', rule='less'))
custom_hooks = [
    dict(type='das_mm.EpochSeedHook'),
    dict(type='SyncBuffersHook'),
    dict(type='das_mm.LabelBodyHook'),
]
