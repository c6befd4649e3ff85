# The thesis' model (Tables 11 and 12). SampledPoseMetric measures the best of n bodies:
#   --cfg-options model.test_cfg.num_samples=4095 test_evaluator.1.counts="[1,5,10,25,4096]"
_base_ = ['./_base_/prohmr_resnet50.py', './_base_/mixed_224x224.py']

model = dict(test_cfg=dict(num_samples=24))
evaluator_body = dict(type='SMPLBody', model_path={{_base_.smpl_path}}, regressors={{_base_.regressors}})
val_evaluator = [
    dict(type='PersonMeshMetric', body_model=evaluator_body, joints='prohmr14', truth='mesh'),
    dict(type='SampledPoseMetric', body_model=evaluator_body, joints='prohmr14', truth='mesh', counts=(1, 5, 10, 25)),
]
test_evaluator = val_evaluator
