# What the authors' released checkpoint is, to be used and measured. It brings its own mean parameters. The body is the
# generated one until a config of yours that inherits from this one names SMPL's file (smpl_path) and J19's regressor:
# convert with --config YOURS.py
_base_ = './prohmr_resnet50_1xb64-500k_mixed-224x224.py'

smpl_path = None
regressors = None
body_model = dict(_delete_=True, type='SMPLBody', model_path=smpl_path, regressors=regressors)
model = dict(
    backbone=dict(init_cfg=None),
    head=dict(mean_params=None),
    body_model=body_model,
    train_cfg=dict(mocap=dict(file=None)))
val_evaluator = [
    dict(type='PersonMeshMetric', body_model=body_model, joints='prohmr14', truth='mesh'),
    dict(type='SampledPoseMetric', body_model=body_model, joints='prohmr14', truth='mesh', counts=(1, 5, 10, 25)),
]
test_evaluator = val_evaluator
