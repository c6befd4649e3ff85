# Table 4, without offsets: keypoints that no heat map shows stay at the root; depths relative to it are as they were
_base_ = '../mar_tiny_1xb8-12e_synthetic-448x256.py'
model = dict(test_cfg=dict(pose_source='heatmap'))
