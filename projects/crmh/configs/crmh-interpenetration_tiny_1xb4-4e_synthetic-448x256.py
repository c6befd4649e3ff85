# The tiny CRMH's third stage with L_P alone
_base_ = './crmh_tiny_1xb4-4e_synthetic-448x256.py'

model = dict(train_cfg=dict(coherence=dict(depth_order=None)))
