"""A person in the 17 keypoints of MuPoTS-3D whose bones are easy to add up, as data samples of any keypoint set.

Camera f = 1000 px, centre (960, 540), image 1920×1080. Relative to the pelvis in mm (y points down):
spine (0, -200), neck (0, -500), head (0, -600), head top (0, -750); shoulders (∓200, -500), elbows (∓450, -500),
wrists (∓700, -500); hips (∓100, 0), knees (∓100, 400), ankles (∓100, 800); all z = 0. Right is at negative x.
"""

from __future__ import annotations

import numpy as np

from das_mm.structures.keypoint_conversion import convert_keypoints
from das_mm.structures.keypoint_sets import KEYPOINT_SETS

K = np.array([[1000.0, 0, 960], [0, 1000, 540], [0, 0, 1]])
_HALF = dict(
    shoulder=(200, -500), elbow=(450, -500), wrist=(700, -500), hip=(100, 0), knee=(100, 400), ankle=(100, 800)
)
_MIDDLE = dict(pelvis=0, spine=-200, neck=-500, head=-600, head_top=-750)
PLACES = {name: (0.0, y, 0.0) for name, y in _MIDDLE.items()}
PLACES |= {
    f'{side}_{name}': (sign * x, y, 0.0)
    for name, (x, y) in _HALF.items()
    for side, sign in (('right', -1.0), ('left', 1.0))
}
SET = KEYPOINT_SETS['mupots17']
BODY = np.array([PLACES[name] for name in SET.keypoints], dtype=float)  # (17, 3)
ROOT = SET.index('pelvis')
A = BODY + [-500, 0, 3000]
B = BODY + [700, 0, 4000]
AB = np.stack([A, B])


def meta(keypoint_set='mupots17') -> dict:
    names = KEYPOINT_SETS[keypoint_set].keypoints
    return dict(dataset_name=keypoint_set, num_keypoints=len(names), keypoint_id2name=dict(enumerate(names)))


def project(poses) -> np.ndarray:
    return poses[..., :2] / poses[..., 2:] * 1000 + K[:2, 2]


def moved(pose, **places) -> np.ndarray:
    """A copy with keypoints (by name) moved by the given vectors."""
    pose = np.array(pose, dtype=float)
    for name, offset in places.items():
        pose[..., SET.index(name), :] += offset
    return pose


def make_sample(
    gt=AB, pred=AB, *, seq='TS1', keypoint_set='mupots17', pred_px=None, scores=None, univ=None, img_id=1, **gt_fields
) -> dict:
    """Data sample with truth (N, 17, 3) and predictions (M, 17, 3), both carried over to ``keypoint_set``.

    ``univ`` is ``keypoints_3d_univ`` (default: ``gt``); ``gt_fields`` replace fields of ``gt_instances``.
    """
    gt, pred = np.asarray(gt, float).reshape(-1, 17, 3), np.asarray(pred, float).reshape(-1, 17, 3)
    univ = gt if univ is None else np.asarray(univ, float).reshape(-1, 17, 3)
    pred_px = project(pred) if pred_px is None else pred_px

    def carry(values):
        return convert_keypoints(values, np.ones(values.shape[:2]), 'mupots17', keypoint_set)

    px, flags = carry(project(gt))
    n, m = len(gt), len(pred)
    boxes = np.concatenate([px.min(1), px.max(1)], 1) if n else np.zeros((0, 4))
    truth = dict(
        bboxes=boxes,
        keypoints=px,
        keypoints_flags=2 * flags.astype(int),
        keypoints_3d=carry(gt)[0],
        keypoints_3d_univ=carry(univ)[0],
        keypoints_3d_valid=flags,
        iscrowd=np.zeros(n),
        is_valid=np.ones(n, bool),
        occluded=np.zeros(flags.shape),
    )
    truth.update(gt_fields)
    predictions = dict(
        keypoints=carry(pred_px)[0],
        keypoints_3d=carry(pred)[0],
        scores=np.full(m, 0.8) if scores is None else np.asarray(scores, float),
    )
    return dict(
        img_id=img_id,
        img_path=f'images/{img_id:06d}.jpg',
        seq=seq,
        ori_shape=(1080, 1920),
        has_3d=True,
        camera=dict(K=K, dist=None),
        gt_instances=truth,
        pred_instances=predictions,
    )


def score(metric, *samples, keypoint_set='mupots17') -> dict[str, float]:
    """The metric's table without its prefix."""
    metric.dataset_meta = meta(keypoint_set)
    for sample in samples:
        metric.process(None, [sample])
    table = metric.evaluate(len(samples))
    assert all(type(value) is float for value in table.values())
    return {name.removeprefix(f'{metric.prefix}/'): value for name, value in table.items()}
