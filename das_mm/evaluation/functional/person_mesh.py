"""Errors of one person a crop, as HMR's family measures them (Kolotouros' thesis, chapters 2 and 3).

Letters: N people, J joints of the protocol, V vertices; millimetres, the camera's axes. Both poses lose their pelvis
before they are compared: of a mesh that is the first joint of Human3.6M's regressor, of labels the labelled pelvis.
"""

from __future__ import annotations

import numpy as np

from .alignment import similarity_align
from .errors import mpjpe
from .mesh import pve


def person_errors(pred: np.ndarray, gt: np.ndarray, valid: np.ndarray) -> dict[str, np.ndarray]:
    """Joint errors of N people whose pelvis has been subtracted.

    Args:
        pred, gt: (N, J, 3) mm.
        valid: (N, J) joints that are known.

    Returns:
        ``MPJPE`` and ``PA-MPJPE`` (N,), NaN without a valid joint; ``joints`` and ``PA-joints`` (N, J), NaN where not
        valid: what PCK and AUC are counted from.

    Example:
        >>> gt = np.array([[[0., 0., 0.], [100., 0., 0.], [0., 200., 50.]]])
        >>> errors = person_errors(1.1 * gt, gt, np.ones((1, 3), bool))
        >>> errors['MPJPE'].round(2).tolist(), errors['PA-MPJPE'].round(6).tolist()
        ([10.21], [0.0])
    """
    valid = np.asarray(valid, bool)
    aligned = similarity_align(pred, gt, valid)

    def distances(points: np.ndarray) -> np.ndarray:
        return np.where(valid, np.linalg.norm(points - gt, axis=-1), np.nan)

    return {
        'MPJPE': mpjpe(pred, gt, valid, alignment='none'),
        'PA-MPJPE': mpjpe(aligned, gt, valid, alignment='none'),
        'joints': distances(pred),
        'PA-joints': distances(aligned),
    }


def vertex_errors(
    pred: np.ndarray, gt: np.ndarray, pred_pelvis: np.ndarray, gt_pelvis: np.ndarray
) -> dict[str, np.ndarray]:
    """Mean distances of vertices of N people.

    Args:
        pred, gt: (N, V, 3) mm, untranslated, of one topology.
        pred_pelvis, gt_pelvis: (N, 3) mm.

    Returns:
        ``PVE`` (N,): the meshes as they are (GraphCMR on UP-3D, ROMP on 3DPW); ``PVE-pelvis``: each about its pelvis.

    Example:
        >>> gt = np.zeros((1, 2, 3)); pred = gt + [0., 0., 5.]
        >>> {name: float(value[0]) for name, value in vertex_errors(pred, gt, pred[:, 0], gt[:, 0]).items()}
        {'PVE': 5.0, 'PVE-pelvis': 0.0}
    """
    return {'PVE': pve(pred, gt), 'PVE-pelvis': pve(pred, gt, pred_pelvis, gt_pelvis)}
