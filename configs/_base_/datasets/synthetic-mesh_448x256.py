# The synthetic scenes with their SMPL truth: what the mesh branch learns from, and how meshes are judged
_base_ = './synthetic_448x256.py'

train_pipeline = [  # without a flip, see synthetic_448x256.py
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size={{_base_.image_size}}, scale_range=(0.9, 1.1), translate_sigma=0.03),
    dict(type='mmdet.PhotoMetricDistortion', brightness_delta=16, contrast_range=(0.9, 1.1),
         saturation_range=(0.9, 1.1), hue_delta=6),
    dict(type='AddMeshLabels'),
    dict(type='PackDASInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

val_evaluator = [
    dict(type='MultiPerson3DMetric'),
    dict(type='MeshMetric', body_model=dict(type='SMPLBody')),
]
test_evaluator = val_evaluator
