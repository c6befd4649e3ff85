# Table 4, without the backward pass: the geometric depth comes from a detached pose. Trained anew
_base_ = '../mar_hrnet-w32_4xb8-50k_muco-832x512.py'
model = dict(head=dict(roots=dict(geometry_backward=False)))
