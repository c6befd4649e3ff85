# RLE Table 1, *: the backbone of a network that was trained with heatmaps first. 71.3 AP
_base_ = './rle_resnet50_8xb32-270e_coco-256x192.py'

model = dict(backbone=dict(init_cfg=dict(
    type='Pretrained',
    prefix='backbone.',
    checkpoint='https://download.openmmlab.com/mmpose/pretrain_models/td-hm_res50_8xb64-210e_coco-256x192.pth')))
