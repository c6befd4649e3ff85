# "Our baseline + L_D" (thesis Tables 22, 23)
_base_ = './crmh_resnet50-fpn_2xb4-100k_mixed-832x512.py'

model = dict(train_cfg=dict(coherence=dict(interpenetration=None)))
