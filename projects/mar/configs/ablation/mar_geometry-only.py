# The geometric depth alone; nothing regressed is learnt. Trained anew. Whom the equation has no answer for is taken to
# stand parallel to the image
_base_ = '../mar_hrnet-w32_4xb8-50k_muco-832x512.py'
model = dict(head=dict(loss_weights=dict(regression=0.)), test_cfg=dict(depth_source='geometry'))
