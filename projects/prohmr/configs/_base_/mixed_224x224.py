# The mix of the thesis (§4.4.1; shares of the released trainer): Human3.6M .3, MPII .1, COCO .4, MPI-INF-3DHP .2;
# measured on 3DPW. All are converted first (das-mm convert NAME --root data/NAME --out …) but COCO. OpenPose's
# detections come from files of their own: openpose=dict(type='DetectionFile', file=…) in a view
data_root = 'data/'
crop_px = 224
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ExtremeCrop', prob=0.1),
    dict(type='PersonCrop', crop_px=crop_px, flip_after_rotation=False,
         augmentation=dict(flip_prob=0.5, rotation_deg=30., rotation_prob=0.6, scale=0.3, shift=0.02, color=0.2)),
    dict(type='PackPersonInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonCrop', crop_px=crop_px),
    dict(type='PackPersonInputs'),
]
view = dict(type='PersonView', keypoint_set='prohmr44', pipeline=train_pipeline)

h36m = dict(**view, dataset=dict(
    type='DASH36MDataset', dataset_name='h36m', data_root=data_root, ann_file='h36m/annotations/train.json',
    data_prefix=dict(img='h36m/')))
mpii = dict(**view, dataset=dict(
    type='DASMPIIDataset', dataset_name='mpii', data_root=data_root, ann_file='mpii/annotations/trainval.json',
    data_prefix=dict(img='mpii/images/')))
coco = dict(**view, dataset=dict(
    type='DASCocoDataset', dataset_name='coco', data_root=data_root,
    ann_file='coco/annotations/person_keypoints_train2014.json', data_prefix=dict(img='coco/train2014/')))
mpi_inf_3dhp = dict(box=dict(source='keypoints', factor=1.2), **view, dataset=dict(
    type='DASMPIINF3DHPDataset', dataset_name='mpi_inf_3dhp', data_root=data_root,
    ann_file='mpi_inf_3dhp/annotations/train.json', data_prefix=dict(img='mpi_inf_3dhp/')))

train_dataloader = dict(
    batch_size=64,
    num_workers=8,
    sampler=dict(type='MixedSourceSampler', probabilities=[0.3, 0.1, 0.4, 0.2], length=320000),
    dataset=dict(type='mmengine.ConcatDataset', datasets=[h36m, mpii, coco, mpi_inf_3dhp]))
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PersonView', keypoint_set='prohmr44', test_mode=True, pipeline=test_pipeline,
        dataset=dict(
            type='DAS3DPWDataset', dataset_name='3dpw', data_root=data_root, ann_file='3dpw/annotations/test.json',
            data_prefix=dict(img='3dpw/'))))
test_dataloader = val_dataloader
