# The synthetic benchmark's meshes at the papers' sizes of network and image, for a GPU (Table 8 row 3): ResNet-50,
# 512x512, 50 epochs of 48 images a step; Panoptic's keypoints, which the synthetic scenes have
_base_ = ['../_base_/models/das_mesh_resnet50_fpn.py', '../_base_/schedules/sgd_50e.py']

keypoint_set = 'panoptic15'
image_size = (512, 512)
model = dict(
    head=dict(num_keypoints=15, coder=dict(root_index=2), branches=dict(mesh=dict(keypoint_set=keypoint_set))))

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size=image_size, scale_range=(0.6, 1.4), translate_sigma=0.15,
         max_rotation_rad=0.52),
    dict(type='DASRandomFlip', prob=0.5),
    dict(type='mmdet.PhotoMetricDistortion', brightness_delta=32, contrast_range=(0.7, 1.3),
         saturation_range=(0.7, 1.3), hue_delta=18),
    dict(type='AddMeshLabels'),
    dict(type='PackDASInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=image_size),
    dict(type='PackDASInputs'),
]
train_dataloader = dict(
    batch_size=48,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='SyntheticPeople', num_images=4000, image_size=image_size, people=(1, 4), seed=0, split='train',
                 keypoint_set=keypoint_set, pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='SyntheticPeople', num_images=500, image_size=image_size, people=(1, 4), seed=1, split='val',
                 keypoint_set=keypoint_set, test_mode=True, pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MultiPerson3DMetric'), dict(type='MeshMetric', body_model=dict(type='SMPLBody'))]
test_evaluator = val_evaluator
