# Crops of synthetic people with SMPL truth, generated on first use (no download, no licence): one person a record, for
# the networks of HMR's family at a size that a CPU trains in minutes. Evaluated by meshes, as 3DPW is
keypoint_set = 'spin49'
crop_px = 96
# one person an image, almost as high as it, in suits that tell the limbs apart
scenes = dict(
    type='SyntheticPeople', image_size=(160, 160), people=(1, 1), subject_share=(0.7, 0.95), share_spread=0.1,
    clothes='suits', joint_sets=('gt24',), keypoint_set='gt24')
openpose = dict(type='ImitatedDetections')

train_pipeline = [
    dict(type='LoadImage'),
    # no mirror: the colours say left and right, and a mirrored suit would say the opposite of its labels
    dict(type='PersonCrop', crop_px=crop_px,
         augmentation=dict(flip_prob=0.0, rotation_deg=15, scale=0.15, color=0.2)),
    dict(type='PackPersonInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonCrop', crop_px=crop_px),
    dict(type='PackPersonInputs'),
]

train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='PersonView',
        dataset=dict(num_images=800, seed=0, split='train', **scenes),
        keypoint_set=keypoint_set,
        openpose=openpose,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PersonView',
        dataset=dict(num_images=160, seed=1, split='val', **scenes),
        keypoint_set=keypoint_set,
        openpose=openpose,
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type='PersonMeshMetric', truth='mesh')
test_evaluator = val_evaluator
