# Table 1, SMPL Parameter Regression: parameters and camera straight from the image features
_base_ = './_base_/graphcmr_tiny.py'

model = dict(head=dict(
    _delete_=True,
    type='ParameterRegressionHead',
    parameter_network=dict(type='DirectSMPLRegressor', feature_channels={{_base_.feature_channels}},
                           hidden_channels=128),
    body={{_base_.body}}))
val_evaluator = dict(_delete_=True, type='PersonMeshMetric', truth='mesh')
test_evaluator = val_evaluator
