# Table 4, without adaptive fusion: the plain mean of both depths. The paper does not say which depth it keeps; the two
# files after this one are the other readings
_base_ = '../mar_hrnet-w32_4xb8-50k_muco-832x512.py'
model = dict(test_cfg=dict(depth_source='mean'))
