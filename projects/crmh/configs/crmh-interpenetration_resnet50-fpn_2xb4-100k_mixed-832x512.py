# "Our baseline + L_P" (thesis Tables 21, 23)
_base_ = './crmh_resnet50-fpn_2xb4-100k_mixed-832x512.py'

model = dict(train_cfg=dict(coherence=dict(depth_order=None)))
