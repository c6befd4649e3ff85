# Table 9 row 3: centre displacement and MLE. Paper: AP 75.9, MOTA 63.3
_base_ = '../das-track_dla34_4xb8-70e_posetrack18-512x512.py'

model = dict(head=dict(branches=dict(displacement=dict(per_keypoint=False))))
