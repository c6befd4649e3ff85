# Row 3 of Table 9 at the size of the demo: centre displacement and MLE
_base_ = '../das-track_tiny_1xb8-10e_synthetic-448x256.py'

model = dict(head=dict(branches=dict(displacement=dict(per_keypoint=False))))
