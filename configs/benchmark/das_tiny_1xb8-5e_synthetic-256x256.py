# The synthetic benchmark's poses at the size of a CPU: the demo's recipe with all that the papers switch on (Table 6
# row 5). One or two people who fill a small image: a step costs half of one at 448x256 and offsets are as long
_base_ = '../das/das_tiny_1xb8-12e_synthetic-448x256.py'

model = dict(
    head=dict(
        # the papers' ranges for stride 16 and up; offsets of up to ten cells, where the demo has five
        assigner=dict(regress_ranges=((0, 160), (160, 1e8))),
        update=dict(_delete_=True, type='MultiSourceUpdate', num_layers=3, num_heads=4, feat_channels=64,
                    num_groups=8)))

image_size = (256, 256)
scenes = dict(people=(1, 2), subject_share=(0.75, 0.98), share_spread=0.1)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size=image_size, scale_range=(0.9, 1.1), translate_sigma=0.03),
    dict(type='mmdet.PhotoMetricDistortion', brightness_delta=16, contrast_range=(0.9, 1.1),
         saturation_range=(0.9, 1.1), hue_delta=6),
    dict(type='PackDASInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=image_size),
    dict(type='PackDASInputs'),
]
train_dataloader = dict(dataset=dict(num_images=1200, image_size=image_size, pipeline=train_pipeline, **scenes))
val_dataloader = dict(dataset=dict(num_images=500, image_size=image_size, pipeline=test_pipeline, **scenes))
test_dataloader = val_dataloader

max_epochs = 5
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=2e-5, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]
