"""Joint errors in mm and their means. Letters: N poses, K keypoints; poses are (N, K, 3) in mm, camera frame."""

from __future__ import annotations

import numpy as np

from .alignment import ALIGNMENTS, Root, root_position


def joint_errors(
    pred: np.ndarray, gt: np.ndarray, valid: np.ndarray, *, alignment: str = 'root', root: Root = 0
) -> np.ndarray:
    """Distance of every predicted keypoint from the true one after an alignment.

    Args:
        pred, gt: (N, K, 3) mm.
        valid: (N, K) keypoints that count. A root alignment needs a valid root; callers leave others out.
        alignment: ``'root'``, ``'none'``, ``'procrustes'`` or ``'rigid'`` (the keys of ``ALIGNMENTS``).
        root: Index or indices of the root.

    Returns:
        (N, K) mm, NaN where not valid.

    Raises:
        KeyError: Unknown alignment.

    Example:
        >>> gt = np.array([[[0., 0., 1000.], [0., 300., 1000.]]])
        >>> pred = gt + np.array([[[0., 0., 50.], [0., 40., 80.]]])
        >>> joint_errors(pred, gt, np.ones((1, 2)), alignment='root')
        array([[ 0., 50.]])
    """
    valid = np.asarray(valid, dtype=bool)
    moved, still = ALIGNMENTS[alignment](pred, gt, valid, root)
    return np.where(valid, np.linalg.norm(moved - still, axis=-1), np.nan)


def mean_over_joints(errors: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Mean over the valid keypoints of each pose.

    Args:
        errors: (N, K) mm.
        valid: (N, K).

    Returns:
        (N,) mm, NaN for a pose without a valid keypoint.

    Example:
        >>> mean_over_joints(np.array([[10., 30., 500.]]), np.array([[True, True, False]]))
        array([20.])
    """
    valid = np.asarray(valid, dtype=bool)
    total, count = np.where(valid, errors, 0.0).sum(-1), valid.sum(-1)
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)


def mpjpe(
    pred: np.ndarray, gt: np.ndarray, valid: np.ndarray, *, alignment: str = 'root', root: Root = 0
) -> np.ndarray:
    """Mean per joint position error of each pose (mean over its valid keypoints, the root among them).

    Args and errors as in :func:`joint_errors`. Returns (N,) mm; NaN for a pose without a valid keypoint.

    Example:
        >>> gt = np.zeros((1, 2, 3)); pred = gt + [3., 4., 0.]
        >>> mpjpe(pred, gt, np.ones((1, 2)), alignment='none'), mpjpe(pred, gt, np.ones((1, 2)), alignment='root')
        (array([5.]), array([0.]))
    """
    return mean_over_joints(joint_errors(pred, gt, valid, alignment=alignment, root=root), valid)


def pa_mpjpe(pred: np.ndarray, gt: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """MPJPE of each pose after its best similarity transform; (N,) mm.

    Example:
        >>> gt = np.array([[[0., 0., 0.], [100., 0., 0.], [0., 200., 50.]]])
        >>> float(np.round(pa_mpjpe(1.1 * gt, gt, np.ones((1, 3)))[0], 6))
        0.0
    """
    return mpjpe(pred, gt, valid, alignment='procrustes')


def mrpe(pred: np.ndarray, gt: np.ndarray, root: Root = 0) -> np.ndarray:
    """Mean root position error, whole and by axis (Moon et al.; MAR Table 2).

    Args:
        pred, gt: (N, K, 3) mm, N ≥ 0; the roots must be valid.
        root: Index or indices of the root.

    Returns:
        (4,) mm: mean distance of the roots, then the mean absolute difference along x, y and z. NaN when N = 0.

    Example:
        >>> mrpe(np.array([[[3., -4., 0.]], [[0., 0., 1.]]]), np.zeros((2, 1, 3)))
        array([3. , 1.5, 2. , 0.5])
    """
    if len(pred) == 0:
        return np.full(4, np.nan)
    delta = root_position(pred, root) - root_position(gt, root)  # (N, 3)
    return np.concatenate([[np.linalg.norm(delta, axis=1).mean()], np.abs(delta).mean(0)])
