# ResNet-50 + FC. The input is RGB in [0, 1] less (.406, .457, .480), ImageNet's means in the order of BGR, without a
# division by the standard deviation: what the released code trains with, and what its checkpoints need
custom_imports = dict(imports='projects.rle.rle')

model = dict(
    type='TopdownRegressor',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[103.53, 116.535, 122.4], std=[255., 255., 255.], bgr_to_rgb=True),
    backbone=dict(
        type='ResNet', depth=50, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='FlowRegressionHead',
        in_channels=2048,
        num_keypoints=17,
        dims=2,
        loss=dict(type='ResidualLikelihoodLoss', dims=2, formula='official', q='laplace'),
        decoder=dict(type='CenteredRegressionLabel', input_size=(192, 256))),
    test_cfg=dict(flip_test=True, shift_coords=True))
