# "Paired" (thesis Tables 7 to 10): begins with a model that Human3.6M has taught with all its labels (the config
# hmr_resnet50_1xb64-20k_h36m-224x224): --cfg-options load_from=work_dirs/hmr_…/epoch_4.pth
_base_ = ['./_base_/spin_resnet50.py', './_base_/mixed_224x224.py']

initial_weights = dict(
    paper='the regressor trained on Human3.6M with its pose and shape parameters',
    get='das-mm train hmr_resnet50_1xb64-20k_h36m-224x224',
    freeze=dict())

# files of das-mm project spin.fit_dataset, or SPIN's own static_fits/*.npy where their rows are those of the
# annotation files. Human3.6M has its labels
custom_hooks = [
    dict(type='das_mm.EpochSeedHook'),
    dict(type='SyncBuffersHook'),
    dict(type='das_mm.LabelBodyHook'),
    dict(type='FitsStoreHook', static_fits=dict(
        lsp='work_dirs/fits/lsp.npz', lspet='work_dirs/fits/lspet.npz', mpii='work_dirs/fits/mpii.npz',
        coco='work_dirs/fits/coco.npz', mpi_inf_3dhp='work_dirs/fits/mpi_inf_3dhp.npz')),
]

evaluator_body = dict(type='SMPLBody', model_path={{_base_.smpl_path}}, regressors={{_base_.regressors}})
val_evaluator = dict(type='PersonMeshMetric', body_model=evaluator_body, joints='j14', truth='mesh')
test_evaluator = val_evaluator
