# The tiny ProHMR without one of its terms; see the config of the same name on ResNet-50
_base_ = './prohmr_tiny_1xb32-16e_synthetic-96x96.py'

model = dict(train_cfg=dict(criterion=dict(samples=dict(keypoints_2d=0.))))
