# Table 9 row 3: centre displacement and MLE
_base_ = './tracking.py'

model = dict(head=dict(branches=dict(displacement=dict(per_keypoint=False))))
