# Part segmentations in the place of photographs (thesis Tables 2 and 3): png files of labels 0 to 6 beside the
# photographs, made by another network (CropInputMap tells their order). P2: 73.4, 50.6 (mesh); 77.4, 53.3 (parameters)
_base_ = './graphcmr_resnet50_1xb16-10e_h36m-224x224.py'

parts = dict(type='CropInputMap', kind='parts', path='{folder}/{stem}_parts.png')
train_dataloader = dict(dataset=dict(datasets=[dict(
    type='PersonView', keypoint_set={{_base_.keypoint_set}}, box=dict(factor=0.9),
    dataset=dict(type='DASH36MDataset', dataset_name='h36m', data_root={{_base_.data_root}},
                 ann_file='h36m/annotations/train.json', data_prefix=dict(img='h36m/')),
    pipeline=[
        dict(type='LoadImage'),
        dict(type='PersonCrop', crop_px=224, flip_after_rotation=True, whole_pixels=True,
             augmentation=dict(flip_prob=0.5, rotation_deg=30, rotation_prob=0.4, scale=0.25)),
        parts,
        dict(type='PackPersonInputs'),
    ])]))
val_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImage'),
    dict(type='PersonCrop', crop_px=224),
    parts,
    dict(type='PackPersonInputs'),
]))
test_dataloader = val_dataloader
