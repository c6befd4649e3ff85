"""Two people whose errors can be worked out by hand, as data samples of the package's layout.

Camera f = 1000 px, centre (320, 240), image 640×480. Keypoints: mid_hip (root), head (400 mm above), hand (beside).

person   root mm           head mm              hand mm              pixels
A        (0, 0, 2000)      (0, -400, 2000)      (200, 0, 2000)       (320,240) (320, 40) (420,240)
B        (800, 0, 4000)    (800, -400, 4000)    (1100, 0, 4000)      (520,240) (520,140) (595,240)
"""

from __future__ import annotations

import numpy as np

NAMES = ('mid_hip', 'head', 'hand')
META = dict(dataset_name='scene', num_keypoints=3, keypoint_id2name=dict(enumerate(NAMES)))
K = np.array([[1000.0, 0, 320], [0, 1000, 240], [0, 0, 1]])
A = np.array([[0.0, 0, 2000], [0, -400, 2000], [200, 0, 2000]])
B = np.array([[800.0, 0, 4000], [800, -400, 4000], [1100, 0, 4000]])
AB = np.stack([A, B])


def project(poses):
    return poses[..., :2] / poses[..., 2:] * 1000 + [320, 240]


def make_sample(gt=AB, pred=AB, *, pred_px=None, scores=None, img_id=1, has_3d=True, **gt_fields) -> dict:
    """Data sample with truth ``gt`` (N, 3, 3) mm and predictions ``pred`` (M, 3, 3) mm.

    Predicted pixels are those of the predicted 3D pose unless ``pred_px`` is given; ``gt_fields`` replace fields of
    ``gt_instances``.
    """
    gt, pred = np.asarray(gt, float).reshape(-1, 3, 3), np.asarray(pred, float).reshape(-1, 3, 3)
    px = project(gt)
    n, m = len(gt), len(pred)
    boxes = np.concatenate([px.min(1), px.max(1)], 1) if n else np.zeros((0, 4))
    truth = dict(
        bboxes=boxes,
        keypoints=px,
        keypoints_visible=np.ones((n, 3)),
        keypoints_flags=np.full((n, 3), 2),
        keypoints_3d=gt,
        keypoints_3d_valid=np.ones((n, 3)),
        root_depths_mm=gt[:, 0, 2],
        iscrowd=np.zeros(n),
        is_valid=np.ones(n, bool),
        ann_ids=10 * img_id + np.arange(n),
    )
    truth.update(gt_fields)
    pred_px = project(pred) if pred_px is None else pred_px
    predictions = dict(
        keypoints=pred_px,
        keypoint_scores=np.full((m, 3), 0.9),
        keypoints_3d=pred,
        scores=np.full(m, 0.8) if scores is None else np.asarray(scores, float),
        bbox_scores=np.full(m, 0.8),
        bboxes=np.concatenate([pred_px.min(1), pred_px.max(1)], 1) if m else np.zeros((0, 4)),
    )
    return dict(
        img_id=img_id,
        ori_shape=(480, 640),
        has_3d=has_3d,
        camera=dict(K=K, dist=None),
        gt_instances=truth,
        pred_instances=predictions,
    )
