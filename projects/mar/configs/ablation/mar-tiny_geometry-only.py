# The geometric depth alone; nothing regressed is learnt. Trained anew. Whom the equation has no answer for is taken to
# stand parallel to the image
_base_ = '../mar_tiny_1xb8-12e_synthetic-448x256.py'
model = dict(head=dict(loss_weights=dict(regression=0.)), test_cfg=dict(depth_source='geometry'))
