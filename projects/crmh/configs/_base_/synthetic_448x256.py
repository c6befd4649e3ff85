# Synthetic scenes of two to six people with SMPL truth and masks, generated on first use (no download, no licence).
# Without a flip: the suits' colours say left and right, and a mirrored suit would say the opposite of its labels
keypoint_set = 'gt24'
input_size = (448, 256)
scenes = dict(
    type='SyntheticPeople', image_size=input_size, people=(2, 6), subject_share=(0.45, 0.85), share_spread=0.2,
    clothes='suits', joint_sets=('gt24',), keypoint_set=keypoint_set)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ChannelNoise', amount=0.1),
    dict(type='DASResize', input_size=input_size),
    dict(type='AddMeshLabels'),
    dict(type='AddInstanceMap'),
    dict(type='AddPersonMarks', min_keypoints=8),
    dict(type='PackDASInputs', supervise_outside=True),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=input_size),
    dict(type='PackDASInputs'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=False,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(num_images=480, seed=0, split='train', with_masks=True, pipeline=train_pipeline, **scenes))
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(num_images=64, seed=1, split='val', test_mode=True, pipeline=test_pipeline, **scenes))
test_dataloader = val_dataloader

# poses, meshes, and whether they stand in each other or in the wrong order
val_evaluator = [dict(type='MultiPerson3DMetric'), dict(type='MeshMetric'), dict(type='CoherenceMetric')]
test_evaluator = val_evaluator
