# Journal Table 3: seven data sets mixed by probability, for meshes; evaluated on 3DPW. All are converted first (das-mm
# convert NAME --root data/NAME --out data/NAME/annotations/SPLIT.json) but for COCO and CrowdPose, read as they are.
# SMPL parameters are learnt wherever an annotation file has an SMPL file beside it.
# The sizes are the paper's: as many images as it had of each set, spread evenly over it (it does not say which), LSP
# and its extension together. An epoch is its 211,640 samples.
keypoint_set = 'lsp14'
data_root = 'data/'
# the licensed SMPL file (or a folder of the three genders' files) that the labels are of, for model and metric:
# --cfg-options smpl_path=FILE
smpl_path = 'data/smpl'
input_size = (512, 512)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASRandomAffine', input_size=input_size, scale_range=(0.6, 1.4), translate_sigma=0.15,
         max_rotation_rad=0.52),
    dict(type='DASRandomFlip', prob=0.5),
    dict(type='mmdet.PhotoMetricDistortion', brightness_delta=32, contrast_range=(0.7, 1.3),
         saturation_range=(0.7, 1.3), hue_delta=18),
    dict(type='AddMeshLabels'),
    dict(type='PackDASInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='DASResize', input_size=input_size),
    dict(type='PackDASInputs'),
]
common = dict(data_root=data_root, keypoint_set=keypoint_set, pipeline=train_pipeline)

train_dataloader = dict(
    batch_size=12,
    num_workers=4,
    sampler=dict(type='MixedSourceSampler', probabilities=[0.3, 0.2, 0.1, 0.05, 0.1, 0.125, 0.125], length=211640),
    dataset=dict(
        type='mmengine.ConcatDataset',
        datasets=[
            dict(type='DASH36MDataset', ann_file='h36m/annotations/train.json', data_prefix=dict(img='h36m/'),
                 filter_cfg=dict(num_images=62224), **common),
            dict(type='DASMPIINF3DHPDataset', ann_file='mpi_inf_3dhp/annotations/train.json',
                 data_prefix=dict(img='mpi_inf_3dhp/'), filter_cfg=dict(num_images=40357), **common),
            dict(type='DASMuCoDataset', ann_file='muco/annotations/train.json', data_prefix=dict(img='muco/'),
                 filter_cfg=dict(num_images=20000), **common),
            dict(
                type='mmengine.ConcatDataset',  # 6829 images: all 1000 of LSP's training set, the others of LSPET
                datasets=[
                    dict(type='DASLSPDataset', ann_file='lsp/annotations/train.json',
                         data_prefix=dict(img='lsp/images/'), **common),
                    dict(type='DASLSPETDataset', ann_file='lspet/annotations/train.json',
                         data_prefix=dict(img='lspet/images/'), filter_cfg=dict(num_images=5829), **common),
                ]),
            dict(type='DASMPIIDataset', ann_file='mpii/annotations/trainval.json', data_prefix=dict(img='mpii/images/'),
                 filter_cfg=dict(num_images=9831), **common),
            dict(type='DASCocoDataset', ann_file='coco/annotations/person_keypoints_train2017.json',
                 data_prefix=dict(img='coco/train2017/'), filter_cfg=dict(filter_empty_gt=True, num_images=26455),
                 **common),
            dict(type='DASCrowdPoseDataset', ann_file='crowdpose/annotations/mmpose_crowdpose_trainval.json',
                 data_prefix=dict(img='crowdpose/images/'), filter_cfg=dict(num_images=9963), **common),
        ]))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='DAS3DPWDataset',
        ann_file='3dpw/annotations/test.json',
        data_root=data_root,
        data_prefix=dict(img='3dpw/'),
        keypoint_set=keypoint_set,
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='MeshMetric', body_model=dict(type='SMPLBody', model_path=smpl_path)),
    dict(type='MultiPerson3DMetric'),
]
test_evaluator = val_evaluator
