# Table 4, without heat maps (but for the root's, where a person begins): every keypoint by its offset, no grouping
_base_ = '../mar_hrnet-w32_4xb8-50k_muco-832x512.py'
model = dict(test_cfg=dict(pose_source='offset'))
