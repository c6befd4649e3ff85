# Table 4, without adaptive fusion: the plain mean of both depths. The paper does not say which depth it keeps; the two
# files after this one are the other readings
_base_ = '../mar_tiny_1xb8-12e_synthetic-448x256.py'
model = dict(test_cfg=dict(depth_source='mean'))
