# Without L_exp: no keypoint is asked of the samples
_base_ = './prohmr_resnet50_1xb64-500k_mixed-224x224.py'

model = dict(train_cfg=dict(criterion=dict(samples=dict(keypoints_2d=0.))))
