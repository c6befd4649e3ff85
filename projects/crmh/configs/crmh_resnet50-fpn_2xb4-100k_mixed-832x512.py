# Stage 3 of 3, "full" (thesis Tables 18 to 24): both coherence losses. Begins with the baseline:
# --cfg-options load_from=work_dirs/crmh-baseline_…/epoch_18.pth. Values are the released code's; the paper weighs 3D
# keypoints by 4, has no term of vertices, L1 for keypoints and a learning rate of 1e-4
_base_ = './crmh-baseline_resnet50-fpn_1xb9-180k_mixed-832x512.py'

initial_weights = dict(
    paper='its second stage', get='das-mm train crmh-baseline_resnet50-fpn_1xb9-180k_mixed-832x512')
model = dict(train_cfg=dict(
    criterion=dict(keypoint_error='l2'),
    coherence=dict(
        interpenetration=dict(type='InterpenetrationLoss', resolution=32, robust='vertex', loss_weight=0.01),
        depth_order=dict(type='DepthOrderLoss', loss_weight=100.))))

max_epochs = 10  # of 10,000 iterations
train_cfg = dict(max_epochs=max_epochs)
train_dataloader = dict(batch_size=4, sampler=dict(length=80000))
auto_scale_lr = dict(base_batch_size=8)
