# Table 4, without the backward pass: the geometric depth comes from a detached pose. Trained anew
_base_ = '../mar_tiny_1xb8-12e_synthetic-448x256.py'
model = dict(head=dict(roots=dict(geometry_backward=False)))
