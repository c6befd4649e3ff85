# The same networks for a CPU, on crops of synthetic people with the generated body: a ResNet-18 of a quarter of the
# channels, three graph blocks of 64 channels on the mesh subsampled twice. Learning rate and schedule are those of a
# short training, in which the graph network has to begin balanced.
_base_ = ['../../../../configs/_base_/default_runtime.py',
          '../../../../configs/_base_/datasets/person-synthetic_96x96.py']
custom_imports = dict(imports='projects.graphcmr.graphcmr')

data_mode = 'topdown'
keypoint_set = 'gt24'
body = dict(type='SMPLBody')
feature_channels = 128

model = dict(
    type='GraphCMR',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(
        type='ResNet', depth=18, stem_channels=16, base_channels=16, out_indices=(3,),
        # the package's tiny model knows people in suits, as the papers' backbones know ImageNet
        init_cfg=dict(
            type='Pretrained', checkpoint='das_mm://das_tiny_1xb8-12e_synthetic-448x256', prefix='backbone.')),
    head=dict(
        type='MeshRegressionHead',
        vertex_network=dict(
            type='GraphCNN', feature_channels=feature_channels, num_channels=64, num_layers=2,
            initialization='balanced'),
        parameter_network=dict(type='SMPLParamRegressor', hidden_channels=128),
        body=body,
        level=2))  # 431 vertices: a quarter of the work

view = dict(keypoint_set=keypoint_set, openpose=None)
train_dataloader = dict(dataset=view)
val_dataloader = dict(dataset=view)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='PersonMeshMetric', truth='mesh'),  # the non-parametric mesh
    dict(type='ParametricMeshMetric', truth='mesh'),
]
test_evaluator = val_evaluator

max_epochs = 16
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3), clip_grad=dict(max_norm=10))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=32)
