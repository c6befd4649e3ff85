"""mmpose's top-down regression on COCO with this package's residual log-likelihood loss in place of mmpose's.

Everything else (data, schedule, metric, scope) is mmpose's own; log σ is counted once here and twice there.
"""
_base_ = 'mmpose::body_2d_keypoint/topdown_regression/coco/td-reg_res50_rle-8xb64-210e_coco-256x192.py'

model = dict(head=dict(loss=dict(_delete_=True, type='das_mm.KeypointRLELoss')))
