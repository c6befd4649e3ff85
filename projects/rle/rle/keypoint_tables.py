"""Human3.6M's keypoints as RLE learns them, and what MPII's photographs have of them."""

from __future__ import annotations

import numpy as np

from das_mm.structures.keypoint_sets import KeypointSet, get_keypoint_set

# MPII's keypoint for each of h36m18's; it has no spine and no jaw, and its head top and upper neck are taken for
# Human3.6M's head and neck (released code)
MPII_FOR_H36M = dict(
    pelvis='pelvis',
    right_hip='right_hip',
    right_knee='right_knee',
    right_ankle='right_ankle',
    left_hip='left_hip',
    left_knee='left_knee',
    left_ankle='left_ankle',
    neck='upper_neck',
    head_h36m='head_top',
    left_shoulder='left_shoulder',
    left_elbow='left_elbow',
    left_wrist='left_wrist',
    right_shoulder='right_shoulder',
    right_elbow='right_elbow',
    right_wrist='right_wrist',
    thorax='thorax',
)
# keypoints that are the middle of two others
MIDDLES = dict(thorax=('left_shoulder', 'right_shoulder'))


def carry_over(source: str, target: str, values: np.ndarray) -> np.ndarray:
    """Keypoints of one set as those of another, by name; what the source has not is NaN.

    Args:
        source, target: Names of keypoint sets.
        values: (K source, D).

    Returns:
        (K target, D)
    """
    ours, theirs = get_keypoint_set(target), get_keypoint_set(source)
    return np.stack([_one(theirs, name, values) for name in ours.keypoints])


def _one(source: KeypointSet, name: str, values: np.ndarray) -> np.ndarray:
    wanted = MPII_FOR_H36M.get(name, name) if source.name == 'mpii16' else name
    if wanted in source.keypoints:
        return values[source.index(wanted)]
    if name in MIDDLES and all(side in source.keypoints for side in MIDDLES[name]):
        return np.mean([values[source.index(side)] for side in MIDDLES[name]], axis=0)
    return np.full(values.shape[1:], np.nan, dtype=values.dtype)
