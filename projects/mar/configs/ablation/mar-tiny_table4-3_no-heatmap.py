# Table 4, without heat maps (but for the root's, where a person begins): every keypoint by its offset, no grouping
_base_ = '../mar_tiny_1xb8-12e_synthetic-448x256.py'
model = dict(test_cfg=dict(pose_source='offset'))
