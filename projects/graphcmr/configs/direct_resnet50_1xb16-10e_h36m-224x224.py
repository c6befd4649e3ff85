# Thesis Table 1, SMPL Parameter Regression (there HMR's own network): Rec. 77.6
_base_ = './graphcmr_resnet50_1xb16-10e_h36m-224x224.py'

model = dict(head=dict(
    _delete_=True, type='ParameterRegressionHead', parameter_network=dict(type='DirectSMPLRegressor'),
    body={{_base_.body}}))
val_evaluator = dict(_delete_=True, type='PersonMeshMetric', body_model={{_base_.body}})
test_evaluator = val_evaluator
