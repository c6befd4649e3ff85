# Table 4, without offsets: keypoints that no heat map shows stay at the root; depths relative to it are as they were
_base_ = '../mar_hrnet-w32_4xb8-50k_muco-832x512.py'
model = dict(test_cfg=dict(pose_source='heatmap'))
