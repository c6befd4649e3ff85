"""Sequences of stick people on a grid, as data samples of the package's layout, in the keypoints of PoseTrack."""

from __future__ import annotations

import numpy as np

from das_mm.structures import KEYPOINT_SETS

SET = KEYPOINT_SETS['posetrack17']
K = SET.num_keypoints
META = dict(
    dataset_name='clip', num_keypoints=K, keypoint_id2name=dict(enumerate(SET.keypoints)), sigmas=np.array(SET.sigmas)
)
WIDTH, HEIGHT, HEAD_PX = 2000, 800, 60.0
# everybody is 100 px wide and 160 px high, joints on a grid
POSE_PX = np.array([[20.0 * (k % 5), 40.0 * (k // 5)] for k in range(K)])
EARS = [3, 4]


def places(*x, y=100.0) -> np.ndarray:
    """(n, K, 2) px, one person at each x."""
    return np.array([POSE_PX + [one, y] for one in x]).reshape(-1, K, 2)


def sample(
    true=(),
    predicted=(),
    *,
    frame=0,
    seq='one',
    true_ids=None,
    predicted_ids=None,
    scores=None,
    depths=None,
    predicted_depths=None,
    ignore_regions=(),
    heads=True,
    **meta,
) -> dict:
    """``true`` and ``predicted`` (n, K, 2) px; identities are the rows by default; ears are not labelled."""
    true, predicted = (np.asarray(px, float).reshape(-1, K, 2) for px in (true, predicted))
    n, m = len(true), len(predicted)
    flags = np.full((n, K), 2)
    flags[:, EARS] = 0
    depth = np.full(n, 3000.0) if depths is None else np.asarray(depths, float)
    predicted_depth = np.full(m, 3000.0) if predicted_depths is None else np.asarray(predicted_depths, float)
    truth = dict(
        bboxes=np.concatenate([true.min(1), true.max(1)], 1) if n else np.zeros((0, 4)),
        keypoints=true,
        keypoints_flags=flags,
        keypoints_3d=_lift(true, depth),
        keypoints_3d_valid=flags > 0,
        iscrowd=np.zeros(n, bool),
        is_valid=np.ones(n, bool),
        track_ids=np.arange(n) if true_ids is None else np.array(true_ids),
        areas=np.full(n, 8000.0),
    )
    if heads:
        corner = true[:, 0] if n else np.zeros((0, 2))
        truth['head_bboxes'] = np.concatenate([corner, corner + [60.0, 80.0]], axis=1)  # 0.6 of 100 px
    scores = np.full(m, 0.9) if scores is None else np.asarray(scores, float)
    found = dict(
        keypoints=predicted,
        keypoints_3d=_lift(predicted, predicted_depth),
        scores=scores,
        keypoint_scores=np.repeat(scores[:, None], K, 1),
        track_ids=np.arange(m) if predicted_ids is None else np.array(predicted_ids),
    )
    return dict(
        img_id=frame,
        ori_shape=(HEIGHT, WIDTH),
        has_3d=True,
        seq=seq,
        frame=frame,
        gt_instances=truth,
        pred_instances=found,
        ignore_regions=list(ignore_regions),
        **meta,
    )


def _lift(px: np.ndarray, depth_mm: np.ndarray) -> np.ndarray:
    """Camera space before a lens of 1000 px."""
    depth = np.broadcast_to(depth_mm[:, None, None], (*px.shape[:2], 1))
    return np.concatenate([(px - [WIDTH / 2, HEIGHT / 2]) * depth / 1000, depth], axis=-1)


def box(x1, y1, x2, y2) -> np.ndarray:
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], float)


def evaluate(metric, samples) -> dict[str, float]:
    metric.dataset_meta = META
    metric.process(None, samples)
    return metric.evaluate(len(samples))
