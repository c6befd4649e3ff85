# The long training of the small weights that come with the package: goes on from the short one (load_from) on four
# times as many scenes, poses and meshes together, from which poses profit as well
_base_ = './das-mesh_tiny-l2_1xb8-12e_synthetic-448x256.py'

model = dict(head=dict(branches=dict(mesh=dict(loss_weight=0.5))))
train_dataloader = dict(dataset=dict(num_images=1920))

max_epochs = 20
train_cfg = dict(max_epochs=max_epochs, val_interval=5)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
