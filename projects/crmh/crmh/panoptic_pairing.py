"""Errors on CMU Panoptic as the authors of CRMH computed them. Letters: N true and M predicted people, K joints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def pelvis_centred_errors(truth: np.ndarray, known: np.ndarray, found: np.ndarray, pelvis: int = 0) -> np.ndarray:
    """(N, K) distances of everybody to the prediction whose pelvis-centred pose is most similar, over the joints that
    are known of all N; a joint that is not known is no error. No rows where nobody was found.

    Args:
        truth: (N, K, 3), one unit.
        known: (N, K) bool.
        found: (M, K, 3) in that unit.
        pelvis: Its index.

    Example:
        >>> truth = np.array([[[0., 0, 0], [0, 3, 0]], [[9, 9, 9], [9, 9, 13]]])
        >>> found = np.array([[[5., 5, 5], [5, 7, 5]]])  # serves both
        >>> pelvis_centred_errors(truth, np.array([[True, True], [True, False]]), found).tolist()
        [[0.0, 1.0], [0.0, 0.0]]
    """
    if not len(found):
        return np.zeros((0, truth.shape[1]))
    truth, found = (points - points[:, pelvis : pelvis + 1] for points in (truth, found))
    common = known.all(0)[:, None]
    differences = (truth[:, None] - found[None]) * common
    nearest = found[np.linalg.norm(differences.reshape(len(truth), len(found), -1), axis=-1).argmin(1)]
    return np.linalg.norm(nearest - truth, axis=-1) * known


def mean_error(images: Sequence[np.ndarray]) -> float:
    """Mean over all people and all joints of images of (N, K) errors; NaN without anybody."""
    errors = np.concatenate([np.zeros((0, 1)), *(image.mean(1, keepdims=True) for image in images)])
    return float(errors.mean()) if len(errors) else float('nan')
