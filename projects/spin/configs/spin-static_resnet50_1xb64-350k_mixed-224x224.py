# "Ours - static fits" (thesis Tables 7, 8): taught by the fits that stood before the training, which stay what they are
_base_ = './spin_resnet50_1xb64-350k_mixed-224x224.py'

model = dict(train_cfg=dict(in_the_loop=False))
