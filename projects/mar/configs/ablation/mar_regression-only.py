# The regressed depth alone; no geometric loss. Trained anew
_base_ = '../mar_hrnet-w32_4xb8-50k_muco-832x512.py'
model = dict(head=dict(loss_weights=dict(geometry=0.)), test_cfg=dict(depth_source='regression'))
