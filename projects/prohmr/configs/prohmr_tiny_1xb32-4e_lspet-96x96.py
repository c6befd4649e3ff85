# ProHMR on photographs whose people are labelled in 2D alone, beside synthetic people with all labels, for two
# CPU cores: half of each batch is of LSPET; of the tenth kept aside the first 200 are measured. The backbone's
# blocks are MoveNet's and stay what they are:
#   das-mm convert lspet …; das-mm convert-checkpoint movenet-multipose.json work_dirs/movenet.pth
#   das-mm train CONFIG --cfg-options load_from=work_dirs/movenet.pth
_base_ = './prohmr_tiny_1xb32-16e_synthetic-96x96.py'
data_root = 'data/'
crop_px = 96

initial_weights = dict(
    paper="MoveNet MultiPose's backbone, which has learnt from photographs of people",
    get='das-mm convert-checkpoint movenet-multipose.json', freeze=dict())
model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
    backbone=dict(_delete_=True, type='MobileNetV2Pyramid', frozen_blocks=17),
    head=dict(in_channels=568, feature_norm=True),
    # measured under a long lens, as the crop's own camera is one
    test_cfg=dict(num_samples=0, default_fov_deg=3.))

max_epochs = 4
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
default_hooks = dict(checkpoint=dict(save_best='2d/reprojection', rule='less', max_keep_ckpts=max_epochs))

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ExtremeCrop', prob=0.1),
    dict(type='PersonCrop', crop_px=crop_px, flip_after_rotation=False,
         augmentation=dict(flip_prob=0.5, rotation_deg=30., rotation_prob=0.6, scale=0.3, shift=0.02, color=0.2)),
    dict(type='PackPersonInputs'),
]
test_pipeline = [dict(type='LoadImage'), dict(type='PersonCrop', crop_px=crop_px), dict(type='PackPersonInputs')]
view = dict(type='PersonView', keypoint_set='prohmr44')
lspet = dict(box=dict(source='keypoints', factor=1.2), **view)
photographs = dict(type='DASLSPETDataset', dataset_name='lspet', data_root=data_root,
                   data_prefix=dict(img='lspet/images/'))
train_dataloader = dict(
    sampler=dict(_delete_=True, type='MixedSourceSampler', probabilities=[0.5, 0.5], length=1280),
    dataset=dict(
        _delete_=True, type='mmengine.ConcatDataset',
        datasets=[
            dict(pipeline=train_pipeline, **lspet,
                 dataset=dict(ann_file='lspet/annotations/train_rest.json', **photographs)),
            dict(pipeline=train_pipeline, **view,
                 dataset=dict(
                     type='SyntheticPeople', num_images=800, seed=0, split='train', image_size=(160, 160),
                     people=(1, 1), subject_share=(0.7, 0.95), share_spread=0.1, clothes='varied',
                     joint_sets=('gt24',), keypoint_set='gt24'))]))
val_dataloader = dict(dataset=dict(
    _delete_=True, pipeline=test_pipeline, test_mode=True, indices=200, **lspet,
    dataset=dict(ann_file='lspet/annotations/val_tenth.json', **photographs)))
test_dataloader = val_dataloader

val_evaluator = dict(_delete_=True, type='ReprojectionMetric')
test_evaluator = val_evaluator
