# What the authors' released checkpoint is: the network of the paired recipe, to be used and measured. It brings its
# own mean parameters. The body is the generated one until a config of yours that inherits from this one names SMPL's
# file (smpl_path) and those of its regressors: convert with --config YOURS.py
_base_ = './spin_resnet50_1xb64-350k_mixed-224x224.py'

smpl_path = None
regressors = None
body_model = dict(_delete_=True, type='SMPLBody', model_path=smpl_path, regressors=regressors)
model = dict(
    backbone=dict(init_cfg=None),
    head=dict(mean_params=None),
    body_model=body_model,
    train_cfg=dict(fitting=dict(mixture_file=None)))
initial_weights = None
val_evaluator = dict(body_model=dict(_delete_=True, type='SMPLBody', model_path=smpl_path, regressors=regressors))
test_evaluator = val_evaluator
