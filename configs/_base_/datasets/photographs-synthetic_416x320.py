# One batch, two worlds: synthetic people in ordinary clothes with everything (3D), and photographs of LSPET with 14
# keypoints in 2D (das-mm convert lspet --split train_rest / val_tenth), several on a canvas
keypoint_set = 'panoptic15'
image_size = (416, 320)
data_root = 'data/'
scenes = dict(image_size=image_size, people=(1, 6))

# training sees parts of inputs at the scale of whole ones: more people a second
crop_size = (320, 256)
photometric = [
    dict(type='mmdet.YOLOXHSVRandomAug', hue_delta=6, saturation_delta=40, value_delta=50),
    dict(type='mmcv.RandomGrayscale', prob=0.05, keep_channels=True),
]
synthetic_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomFlip', prob=0.5),
    dict(type='DASRandomAffine', input_size=crop_size, scale_range=(0.9, 2.0), translate_sigma=0.12,
         max_rotation_rad=0.15),
    *photometric,
    dict(type='AddMeshLabels'),  # read by a mesh branch only
    dict(type='PackDASInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=image_size),
    dict(type='PackDASInputs'),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=False,
    sampler=dict(type='MixedSourceSampler', probabilities=(0.5, 0.5), length=4000),
    dataset=dict(
        type='mmengine.ConcatDataset',
        datasets=[
            dict(
                type='SyntheticPeople',
                num_images=2400,
                seed=0,
                split='train',
                keypoint_set=keypoint_set,
                pipeline=synthetic_pipeline,
                **scenes),
            dict(
                type='mmdet.MultiImageMixDataset',
                dataset=dict(
                    type='das_mm.DASLSPETDataset',
                    ann_file='lspet/annotations/train_rest.json',
                    data_root=data_root,
                    data_prefix=dict(img='lspet/images/'),
                    keypoint_set=keypoint_set,
                    ignore_background=False,
                    filter_cfg=dict(filter_empty_gt=True),
                    pipeline=[dict(type='LoadImage')]),
                pipeline=[
                    dict(type='das_mm.PeopleMosaic', input_size=crop_size, tiles={1: 0.4, 2: 0.4, 4: 0.2},
                         scale_range=(0.8, 1.5), translate_sigma=0.05, max_rotation_rad=0.4),
                    *photometric,
                    dict(type='das_mm.AddMeshLabels'),
                    dict(type='das_mm.PackDASInputs'),
                ]),
        ]))
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SyntheticPeople',
        num_images=200,
        seed=1,
        split='val',
        keypoint_set=keypoint_set,
        test_mode=True,
        pipeline=test_pipeline,
        **scenes))
test_dataloader = val_dataloader

val_evaluator = dict(type='MultiPerson3DMetric')
test_evaluator = val_evaluator
