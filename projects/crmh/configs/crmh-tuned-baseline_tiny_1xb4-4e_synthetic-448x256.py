# The tiny CRMH's third stage with neither loss: as many steps as the others have
_base_ = './crmh_tiny_1xb4-4e_synthetic-448x256.py'

model = dict(train_cfg=dict(coherence=dict(interpenetration=None, depth_order=None)))
