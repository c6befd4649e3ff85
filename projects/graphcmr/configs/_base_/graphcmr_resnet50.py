# The networks of the paper (thesis Figures 12 to 16): ResNet-50, graph network of 5 + 1 blocks of 256 channels on the
# mesh subsampled by 4, SMPL regressor. Files of the user's: SMPL itself, J_regressor_extra.npy and
# J_regressor_h36m.npy of the released code, and its mesh_downsampling.npz (pyramid; None builds one from the body).
_base_ = '../../../../configs/_base_/default_runtime.py'
custom_imports = dict(imports='projects.graphcmr.graphcmr')

data_mode = 'topdown'
keypoint_set = 'gt24'
crop_px = 224
smpl_path = 'data/smpl'
regressors = dict(extra='data/regressors/J_regressor_extra.npy', h36m='data/regressors/J_regressor_h36m.npy')
body = dict(type='SMPLBody', model_path=smpl_path, regressors=regressors)

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
        pyramid='data/mesh_downsampling.npz'))

# where training begins: load_from names the file; nothing is frozen
initial_weights = dict(
    paper='ResNet-50 of ImageNet',
    get="das-mm convert-checkpoint of torchvision's resnet50",
    freeze=dict())
