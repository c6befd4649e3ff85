# "Unpaired" (thesis Tables 9, 10): no image has a label in 3D; begins with ImageNet's weights
_base_ = './spin_resnet50_1xb64-350k_mixed-224x224.py'

initial_weights = None
model = dict(train_cfg=dict(ignore_3d=True))
custom_hooks = [
    dict(type='das_mm.EpochSeedHook'),
    dict(type='SyncBuffersHook'),
    dict(type='das_mm.LabelBodyHook'),
    dict(type='FitsStoreHook', static_fits=dict(
        h36m='work_dirs/fits/h36m.npz', lsp='work_dirs/fits/lsp.npz', lspet='work_dirs/fits/lspet.npz',
        mpii='work_dirs/fits/mpii.npz', coco='work_dirs/fits/coco.npz',
        mpi_inf_3dhp='work_dirs/fits/mpi_inf_3dhp.npz')),
]
