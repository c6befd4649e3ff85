# DensePose's IUV images in the place of photographs (thesis Tables 2 and 3): *_IUV.png beside the photographs, made by
# DensePose. They are never mirrored. P2: 72.3, 50.3 (mesh); 74.2, 51.0 (parameters)
_base_ = './graphcmr_resnet50_1xb16-10e_h36m-224x224.py'

iuv = dict(type='CropInputMap', kind='iuv', path='{folder}/{stem}_IUV.png')
train_dataloader = dict(dataset=dict(datasets=[dict(
    type='PersonView', keypoint_set={{_base_.keypoint_set}}, box=dict(factor=0.9),
    dataset=dict(type='DASH36MDataset', dataset_name='h36m', data_root={{_base_.data_root}},
                 ann_file='h36m/annotations/train.json', data_prefix=dict(img='h36m/')),
    pipeline=[
        dict(type='LoadImage'),
        dict(type='PersonCrop', crop_px=224, flip_after_rotation=True, whole_pixels=True,
             augmentation=dict(flip_prob=0.0, rotation_deg=30, rotation_prob=0.4, scale=0.25)),
        iuv,
        dict(type='PackPersonInputs'),
    ])]))
val_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImage'),
    dict(type='PersonCrop', crop_px=224),
    iuv,
    dict(type='PackPersonInputs'),
]))
test_dataloader = val_dataloader
