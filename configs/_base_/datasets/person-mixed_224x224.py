# Crops of one person for GraphCMR and its kin: views of the data sets (boxes and names as the released code has them),
# the five sources of its code mixed by probability, 3DPW for tests. All are converted first (das-mm convert NAME --root
# data/NAME --out data/NAME/annotations/SPLIT.json) but for COCO, read as it is. SMPL parameters are learnt wherever an
# annotation file has an SMPL file beside it. The thesis' main model takes h36m and up3d, half and half:
#   train_dataloader = dict(
#       sampler=dict(probabilities=[0.5, 0.5]),
#       dataset=dict(datasets=[{{_base_.h36m}}, {{_base_.up3d}}]))
keypoint_set = 'gt24'
crop_px = 224
data_root = 'data/'
# the licensed SMPL file (or a folder of the three genders' files) and its regressors, for the metric:
# --cfg-options smpl_path=FILE
smpl_path = 'data/smpl'
regressors = dict(h36m='data/smpl/J_regressor_h36m.npy', extra='data/smpl/J_regressor_extra.npy')

train_pipeline = [
    dict(type='LoadImage'),
    # cut with its rotation, mirrored afterwards; 2D keypoints at whole pixels
    dict(type='PersonCrop', crop_px=crop_px, flip_after_rotation=True, whole_pixels=True,
         augmentation=dict(flip_prob=0.5, rotation_deg=30, rotation_prob=0.4, scale=0.25, color=0.4)),
    dict(type='PackPersonInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='PersonCrop', crop_px=crop_px),
    dict(type='PackPersonInputs'),
]
view = dict(type='PersonView', keypoint_set=keypoint_set, pipeline=train_pipeline)
joint_box = dict(source='keypoints', factor=1.2)

h36m = dict(box=dict(factor=0.9), **view, dataset=dict(
    type='DASH36MDataset', dataset_name='h36m', data_root=data_root, ann_file='h36m/annotations/train.json',
    data_prefix=dict(img='h36m/')))
# SPIN reads the head top of MPI-INF-3DHP as the head of Human3.6M
mpi_inf_3dhp = dict(box=joint_box, renamed=dict(head_h36m='head_top'), **view, dataset=dict(
    type='DASMPIINF3DHPDataset', dataset_name='mpi_inf_3dhp', data_root=data_root,
    ann_file='mpi_inf_3dhp/annotations/train.json', data_prefix=dict(img='mpi_inf_3dhp/')))
lsp = dict(box=joint_box, **view, dataset=dict(
    type='DASLSPDataset', dataset_name='lsp', data_root=data_root, ann_file='lsp/annotations/train.json',
    data_prefix=dict(img='lsp/images/')))
lspet = dict(box=joint_box, **view, dataset=dict(
    type='DASLSPETDataset', dataset_name='lspet', data_root=data_root, ann_file='lspet/annotations/train.json',
    data_prefix=dict(img='lspet/images/')))
mpii = dict(**view, dataset=dict(
    type='DASMPIIDataset', dataset_name='mpii', data_root=data_root, ann_file='mpii/annotations/trainval.json',
    data_prefix=dict(img='mpii/images/')))
coco = dict(whole_limbs=True, **view, dataset=dict(
    type='DASCocoDataset', dataset_name='coco', data_root=data_root,
    ann_file='coco/annotations/person_keypoints_train2017.json', data_prefix=dict(img='coco/train2017/')))
up3d = dict(**view, dataset=dict(
    type='DASUP3DDataset', dataset_name='up3d', data_root=data_root, ann_file='up-3d/annotations/trainval.json',
    data_prefix=dict(img='up-3d/')))

train_dataloader = dict(
    batch_size=16,
    num_workers=8,
    sampler=dict(type='MixedSourceSampler', probabilities=[0.3, 0.1, 0.2, 0.2, 0.2], length=320000),
    dataset=dict(type='mmengine.ConcatDataset', datasets=[h36m, lsp, coco, mpii, up3d]))
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PersonView', keypoint_set=keypoint_set, test_mode=True, pipeline=test_pipeline,
        dataset=dict(
            type='DAS3DPWDataset', dataset_name='3dpw', data_root=data_root, ann_file='3dpw/annotations/test.json',
            data_prefix=dict(img='3dpw/'))))
test_dataloader = val_dataloader

evaluation_body = dict(type='SMPLBody', model_path=smpl_path, regressors=regressors)
val_evaluator = dict(
    type='PersonMeshMetric', truth='mesh', body_model=evaluation_body,
    true_bodies=dict(
        m=dict(type='SMPLBody', model_path=smpl_path, gender='male', regressors=regressors),
        f=dict(type='SMPLBody', model_path=smpl_path, gender='female', regressors=regressors)))
test_evaluator = val_evaluator

# The other tests of the papers, to be named in a config of one's own:
#   test_dataloader = dict(_delete_=True, batch_size=32, dataset={{_base_.h36m_p2_test}}, sampler=…)
#   test_evaluator = {{_base_.labels_j14}}
# Protocol 2 of Human3.6M takes the frontal camera alone.
test_view = dict(type='PersonView', keypoint_set=keypoint_set, test_mode=True, pipeline=test_pipeline)
h36m_p1_test = dict(box=dict(factor=0.9), **test_view, dataset=dict(
    type='DASH36MDataset', dataset_name='h36m', data_root=data_root, ann_file='h36m/annotations/test.json',
    data_prefix=dict(img='h36m/')))
h36m_p2_test = dict(box=dict(factor=0.9), **test_view, dataset=dict(
    type='DASH36MDataset', dataset_name='h36m', data_root=data_root, ann_file='h36m/annotations/test.json',
    data_prefix=dict(img='h36m/'), filter_cfg=dict(views=['60457274'])))
mpi_inf_3dhp_test = dict(box=joint_box, renamed=dict(head_h36m='head_top'), **test_view, dataset=dict(
    type='DASMPIINF3DHPDataset', dataset_name='mpi_inf_3dhp', data_root=data_root,
    ann_file='mpi_inf_3dhp/annotations/test.json', data_prefix=dict(img='mpi_inf_3dhp/')))
labels_j14 = dict(type='PersonMeshMetric', body_model=evaluation_body)
labels_j17 = dict(
    type='PersonMeshMetric', body_model=evaluation_body, joints='j17', labels_3d='keypoints_3d_univ')
