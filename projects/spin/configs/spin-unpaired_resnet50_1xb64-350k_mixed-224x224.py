# "Unpaired" (thesis Tables 9, 10): no image has a label in 3D; begins with ImageNet's weights
_base_ = './spin_resnet50_1xb64-350k_mixed-224x224.py'

initial_weights = None
model = dict(train_cfg=dict(ignore_3d=True))
