# MAR on synthetic people, in a quarter of an hour on two cores
_base_ = [
    './_base_/mar_tiny.py', 'das_mm::_base_/datasets/synthetic_448x256.py', 'das_mm::_base_/schedules/adamw_tiny.py'
]
custom_imports = dict(imports='projects.mar.mar')

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size={{_base_.image_size}}, scale_range=(0.9, 1.1), translate_sigma=0.03),
    dict(type='mmdet.PhotoMetricDistortion', brightness_delta=16, contrast_range=(0.9, 1.1),
         saturation_range=(0.9, 1.1), hue_delta=6),
    dict(type='PackDASInputs', supervise_outside=True),  # offsets learn what is out of the image
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
custom_hooks = [
    dict(type='das_mm.EpochSeedHook'),
    dict(type='SyncBuffersHook'),
    dict(type='GeometryWarmUp', iterations=240),
]
val_evaluator = [dict(type='MultiPerson3DMetric'), dict(type='RootDepthMetric')]
test_evaluator = val_evaluator
