# The networks of the paper (thesis Figures 12 to 16) and its training: ResNet-50, graph network of 5 + 1 blocks of 256
# channels on the mesh subsampled by 4, SMPL regressor; Adam 3e-4 without decay, 16 crops of 224. The five sources of
# the released code's mix "all" (its default is 50 epochs); tests on Human3.6M, P2, converted by
#   das-mm convert h36m --root data/h36m --split test --protocol mesh_p2 \
#       --out data/h36m/annotations/test_mesh_p2.json
# Files of the user's: SMPL, the regressors and mesh_downsampling.npz of the released code; see person-mixed_224x224.py.
_base_ = ['../../../../configs/_base_/default_runtime.py',
          '../../../../configs/_base_/datasets/person-mixed_224x224.py']
custom_imports = dict(imports='projects.graphcmr.graphcmr')

data_mode = 'topdown'
body = dict(type='SMPLBody', model_path={{_base_.smpl_path}}, regressors={{_base_.regressors}})

model = dict(
    type='GraphCMR',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(type='ResNet', depth=50, out_indices=(3,)),
    head=dict(
        type='MeshRegressionHead',
        vertex_network=dict(type='GraphCNN'),
        parameter_network=dict(type='SMPLParamRegressor'),
        body=body,
        pyramid='data/mesh_downsampling.npz'))  # None: built from the body

# where training begins: load_from names the file; nothing is frozen
initial_weights = dict(
    paper='ResNet-50 of ImageNet',
    get="das-mm convert-checkpoint of torchvision's resnet50",
    freeze=dict())

val_dataloader = dict(dataset=dict(
    box=dict(factor=0.9),
    dataset=dict(_delete_=True, type='DASH36MDataset', dataset_name='h36m', data_root={{_base_.data_root}},
                 ann_file='h36m/annotations/test_mesh_p2.json', data_prefix=dict(img='h36m/'))))
test_dataloader = val_dataloader
val_evaluator = [  # joints of the labels, as stored: the non-parametric mesh, and that of the parameters
    dict(type='PersonMeshMetric', body_model=body),
    dict(type='ParametricMeshMetric', body_model=body),
]
test_evaluator = val_evaluator

max_epochs = 50
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=5)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=3e-4, betas=(0.9, 0.999)))
auto_scale_lr = dict(base_batch_size=16)
