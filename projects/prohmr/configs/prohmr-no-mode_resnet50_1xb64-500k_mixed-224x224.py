# "Without L_mode" (thesis Table 15): nothing is asked of the mode
_base_ = './prohmr_resnet50_1xb64-500k_mixed-224x224.py'

model = dict(train_cfg=dict(criterion=dict(
    mode=dict(keypoints_2d=0., keypoints_3d=0., global_orient=0., body_pose=0., betas=0.))))
