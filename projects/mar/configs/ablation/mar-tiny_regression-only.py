# The regressed depth alone; no geometric loss. Trained anew
_base_ = '../mar_tiny_1xb8-12e_synthetic-448x256.py'
model = dict(head=dict(loss_weights=dict(geometry=0.)), test_cfg=dict(depth_source='regression'))
