# SPIN at a size that two CPU cores train in minutes, on synthetic people whose 2D keypoints alone are used: a small
# network that begins with the backbone of the package's tiny model, static fits made by
#   das-mm project spin.fit_dataset CONFIG --out work_dirs/fits --method adam --steps 30
_base_ = ['./_base_/spin_resnet50.py', '../../../configs/_base_/datasets/person-synthetic_96x96.py']
smpl_path = regressors = mixture_file = mean_params = None

smpl_path = None  # the generated body
model = dict(
    backbone=dict(
        depth=18, stem_channels=16, base_channels=16,
        init_cfg=dict(_delete_=True, type='Pretrained', checkpoint='das_mm://das_tiny_1xb8-12e_synthetic-448x256',
                      prefix='backbone.')),
    head=dict(in_channels=128, hidden_channels=256, dropout=0.1, mean_params=None),
    body_model=dict(_delete_=True, type='SMPLBody'),
    train_cfg=dict(
        fitting=dict(camera_steps=10, body_steps=25, mixture_file=None),
        ignore_3d=True,
        criterion=dict(betas_weight=0.01)))

max_epochs = 12
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
auto_scale_lr = dict(base_batch_size=32)
custom_hooks = [
    dict(type='das_mm.EpochSeedHook'),
    dict(type='SyncBuffersHook'),
    dict(type='FitsStoreHook', static_fits=dict(synthetic_people='work_dirs/fits/synthetic_people.npz')),
]
train_dataloader = dict(persistent_workers=False)
