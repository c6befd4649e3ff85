# What the authors' released checkpoint is: the network of the last stage, to be used, measured and trained on. It
# brings its own first estimate. The body is the generated one until a config of yours that inherits from this one
# names SMPL's file (smpl_path) and those of its regressors: convert with --config YOURS.py
_base_ = './crmh_resnet50-fpn_2xb4-100k_mixed-832x512.py'

smpl_path = None
regressors = None
model = dict(
    backbone=dict(init_cfg=None),
    roi_head=dict(smpl_head=dict(mean_params=None)),
    body_model=dict(_delete_=True, type='SMPLBody', model_path=smpl_path, regressors=regressors),
    train_cfg=dict(adversarial=dict(mocap=dict(file=None))))
initial_weights = None
val_evaluator = dict(body_model=dict(_delete_=True, type='SMPLBody', model_path=smpl_path, regressors=regressors))
test_evaluator = val_evaluator
