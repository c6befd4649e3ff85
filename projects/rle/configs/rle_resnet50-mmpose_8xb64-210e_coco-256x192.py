# The same network as mmpose's td-reg_res50_rle-8xb64-210e_coco-256x192, for its checkpoints: one feature for both
# layers, Q of scale σ, ImageNet's normalisation, 210 epochs after a warm-up of 500 iterations
_base_ = './rle_resnet50_8xb32-270e_coco-256x192.py'

model = dict(
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
    head=dict(feature_norm=False, loss=dict(q=dict(_delete_=True, type='LaplacePrior'))))

train_cfg = dict(max_epochs=210)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),
    dict(type='MultiStepLR', milestones=[170, 200], gamma=0.1, by_epoch=True),
]
train_dataloader = dict(batch_size=64)
auto_scale_lr = dict(base_batch_size=512)
