# Stage 1: crops of one person, 256x256, for backbone and branch (thesis §5.6.1). The sets of the paper; the released
# weights .6 .3 .3 .3 .1 over 1.6 are those of Human3.6M, COCO, LSP with its extension, MPII and MPI-INF-3DHP
keypoint_set = 'gt24'
data_root = 'data/'
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonCrop', crop_px=256,
         augmentation=dict(flip_prob=0.5, rotation_prob=0., rotation_deg=0., scale=0., color=0.4)),
    dict(type='PackPersonInputs'),
]
view = dict(type='PersonView', keypoint_set=keypoint_set, pipeline=train_pipeline)
joint_box = dict(source='keypoints', factor=1.2)

h36m = dict(**view, dataset=dict(
    type='DASH36MDataset', dataset_name='h36m', data_root=data_root, ann_file='h36m/annotations/train.json',
    data_prefix=dict(img='h36m/')))
coco = dict(whole_limbs=True, **view, dataset=dict(
    type='DASCocoDataset', dataset_name='coco', data_root=data_root,
    ann_file='coco/annotations/person_keypoints_train2017.json', data_prefix=dict(img='coco/train2017/')))
lsp = dict(box=joint_box, **view, dataset=dict(
    type='DASLSPDataset', dataset_name='lsp', data_root=data_root, ann_file='lsp/annotations/train.json',
    data_prefix=dict(img='lsp/images/')))
lspet = dict(box=joint_box, **view, dataset=dict(
    type='DASLSPETDataset', dataset_name='lspet', data_root=data_root, ann_file='lspet/annotations/train.json',
    data_prefix=dict(img='lspet/images/')))
mpii = dict(**view, dataset=dict(
    type='DASMPIIDataset', dataset_name='mpii', data_root=data_root, ann_file='mpii/annotations/trainval.json',
    data_prefix=dict(img='mpii/images/')))
mpi_inf_3dhp = dict(box=joint_box, **view, dataset=dict(
    type='DASMPIINF3DHPDataset', dataset_name='mpi_inf_3dhp', data_root=data_root,
    ann_file='mpi_inf_3dhp/annotations/train.json', data_prefix=dict(img='mpi_inf_3dhp/')))

train_dataloader = dict(
    batch_size=54,
    num_workers=8,
    persistent_workers=False,
    sampler=dict(type='MixedSourceSampler', probabilities=[0.375, 0.1875, 0.1875, 0.1875, 0.0625], length=540000),
    dataset=dict(
        type='mmengine.ConcatDataset',
        datasets=[
            h36m, coco, dict(type='mmengine.ConcatDataset', datasets=[lsp, lspet]), mpii, mpi_inf_3dhp,
        ]))
