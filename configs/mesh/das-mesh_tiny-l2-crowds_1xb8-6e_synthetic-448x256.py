# The mesh demo's model on crowded scenes, people close to each other: goes on from its long training
# (load_from). No losses between people; the rows coherence-… of ablation/ add them
_base_ = './das-mesh_tiny-l2_1xb8-20e_synthetic-448x256.py'

crowds = dict(people=(4, 6), subject_share=(0.6, 0.75), share_spread=0.05)  # side by side, at nearly one distance
train_pipeline = [  # without a flip, see synthetic_448x256.py
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size={{_base_.image_size}}, scale_range=(0.9, 1.1), translate_sigma=0.03),
    dict(type='mmdet.PhotoMetricDistortion', brightness_delta=16, contrast_range=(0.9, 1.1),
         saturation_range=(0.9, 1.1), hue_delta=6),
    dict(type='AddMeshLabels'),
    dict(type='AddInstanceMap'),
    dict(type='PackDASInputs'),
]
train_dataloader = dict(dataset=dict(**crowds, num_images=480, with_masks=True, pipeline=train_pipeline))
val_dataloader = dict(dataset=crowds)
test_dataloader = dict(dataset=crowds)

val_evaluator = [
    dict(type='MultiPerson3DMetric'),
    dict(type='MeshMetric', body_model=dict(type='SMPLBody')),
    dict(type='CoherenceMetric', body_model=dict(type='SMPLBody')),
]
test_evaluator = val_evaluator

max_epochs = 6
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
