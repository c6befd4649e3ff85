# Thesis Table 6, weaker labels: a quarter of the images has meshes, the others 2D keypoints alone, half and half in a
# batch; graph network alone
_base_ = './_base_/graphcmr_tiny.py'

model = dict(head=dict(parameter_network=None))
labelled = dict(
    type='PersonView', keypoint_set='gt24', indices=200, pipeline={{_base_.train_pipeline}},
    dataset=dict(num_images=800, seed=0, split='train', type='SyntheticPeople', image_size=(160, 160), people=(1, 1),
                 subject_share=(0.7, 0.95), share_spread=0.1, clothes='suits', joint_sets=('gt24',),
                 keypoint_set='gt24'))
unlabelled = dict(labelled, indices=list(range(200, 798)), ignore_3d=True)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='MixedSourceSampler', probabilities=[0.5, 0.5], length=800),
    dataset=dict(_delete_=True, type='mmengine.ConcatDataset', datasets=[labelled, unlabelled]))
val_evaluator = dict(_delete_=True, type='PersonMeshMetric', truth='mesh')
test_evaluator = val_evaluator
