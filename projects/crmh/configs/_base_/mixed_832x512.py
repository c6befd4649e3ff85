# The five sets of the released stages on whole images, by their weights .6 .3 .3 .3 .1 over 1.6; COCO alone has masks.
# All are converted first (das-mm convert NAME --root data/NAME --out data/NAME/annotations/SPLIT.json) but COCO, read
# as it is. Measured on MuPoTS-3D; the other tests stand below
keypoint_set = 'gt24'
data_root = 'data/'
input_size = (832, 512)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ChannelNoise', amount=0.4),
    dict(type='DASResize', input_size=input_size, shrink_interpolation='bilinear'),
    dict(type='DASRandomFlip', prob=0.5),
    dict(type='AddMeshLabels'),
    dict(type='AddInstanceMap'),
    dict(type='AddPersonMarks', min_keypoints=8),
    dict(type='PackDASInputs', supervise_outside=True),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=input_size, shrink_interpolation='bilinear'),
    dict(type='PackDASInputs'),
]
common = dict(data_root=data_root, keypoint_set=keypoint_set, pipeline=train_pipeline)

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=False,
    sampler=dict(type='MixedSourceSampler', probabilities=[0.375, 0.1875, 0.1875, 0.1875, 0.0625], length=80000),
    dataset=dict(
        type='mmengine.ConcatDataset',
        datasets=[
            dict(type='DASH36MDataset', ann_file='h36m/annotations/train.json', data_prefix=dict(img='h36m/'),
                 **common),
            dict(type='DASCocoDataset', ann_file='coco/annotations/person_keypoints_train2017.json', with_masks=True,
                 data_prefix=dict(img='coco/train2017/'), filter_cfg=dict(filter_empty_gt=True), **common),
            dict(type='DASDataset', ann_file='posetrack18/annotations/train.json',
                 data_prefix=dict(img='posetrack18/'), **common),
            dict(type='DASMPIIDataset', ann_file='mpii/annotations/trainval.json', data_prefix=dict(img='mpii/images/'),
                 **common),
            dict(type='DASMPIINF3DHPDataset', ann_file='mpi_inf_3dhp/annotations/train.json',
                 data_prefix=dict(img='mpi_inf_3dhp/'), **common),
        ]))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='DASMuPoTSDataset', ann_file='mupots/annotations/test.json', data_root=data_root,
        data_prefix=dict(img='mupots/'), test_mode=True, pipeline=test_pipeline))
test_dataloader = val_dataloader

# the joints of Human3.6M's regressor on the meshes; without the licensed body numbers are not comparable
evaluation_body = dict(type='SMPLBody', model_path='data/smpl', regressors=dict(h36m='data/J_regressor_h36m.npy'))
val_evaluator = dict(type='CRMHMuPoTSMetric', body_model=evaluation_body)
test_evaluator = val_evaluator

# CMU Panoptic, cameras 16 and 30:
#   test_dataloader = dict(dataset={{_base_.panoptic_test}})
#   test_evaluator = dict(_delete_=True, type='CRMHPanopticMetric', body_model={{_base_.evaluation_body}})
panoptic_test = dict(
    _delete_=True, type='DASPanopticDataset', ann_file='panoptic/annotations/test.json', data_root=data_root,
    data_prefix=dict(img='panoptic/'), filter_cfg=dict(views=['*16', '*30']), test_mode=True, pipeline=test_pipeline)
