# How the package's default weights find the people of COCO's photographs (val2017; any file of that layout, with boxes
# alone too): recall and precision of boxes of people of 80 px and more
_base_ = './das_small_photographs-lspet-416x320.py'

val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DASCocoDataset',
        ann_file='coco/annotations/person_keypoints_val2017.json',
        data_root={{_base_.data_root}},
        data_prefix=dict(img='coco/val2017/'),
        keypoint_set={{_base_.keypoint_set}},
        test_mode=True,
        pipeline={{_base_.test_pipeline}}))
test_dataloader = val_dataloader
