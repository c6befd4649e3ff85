# The second half of the recipe of the small checkpoint in the package: the demo's model goes on from a run of the
# demo's config (load_from), on its scenes and on people in clothes of all kinds
_base_ = './das_tiny_1xb8-12e_synthetic-448x256.py'

train_pipeline = {{_base_.train_pipeline}}
image_size = {{_base_.image_size}}

max_epochs = 10
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmengine.ConcatDataset',
        datasets=[
            dict(
                type='SyntheticPeople',
                num_images=480,
                image_size=image_size,
                seed=0,
                split='train',
                people=(1, 3),
                subject_share=(0.55, 0.95),
                share_spread=0.2,
                clothes='suits',
                pipeline=train_pipeline),
            dict(
                type='SyntheticPeople',
                num_images=800,
                image_size=image_size,
                seed=2,
                split='train',
                people=(1, 4),
                subject_share=(0.5, 1.1),
                share_spread=0.25,
                pipeline=train_pipeline),
        ]))
