"""Alignments of predicted to true poses, applied before an error is measured.

Letters: N poses, K keypoints. Poses are (N, K, 3) in mm, camera frame; ``valid`` is (N, K) and says which true
keypoints may be used. ``root`` is one keypoint index or several, whose mean is then the root (COCO-17 has no pelvis:
its root is the middle of the two hips).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Root = int | Sequence[int]


def root_position(keypoints: np.ndarray, root: Root) -> np.ndarray:
    """Position of the root of every pose.

    Args:
        keypoints: (*, K, D), any unit.
        root: Index of the root keypoint, or several indices whose mean is the root.

    Returns:
        (*, D), in the unit of the input.

    Example:
        >>> root_position(np.array([[[0., 0., 10.], [2., 4., 20.], [9., 9., 9.]]]), (0, 1))
        array([[ 1.,  2., 15.]])
    """
    return keypoints[..., np.atleast_1d(root), :].mean(axis=-2)


def align_none(pred: np.ndarray, gt: np.ndarray, valid: np.ndarray, root: Root) -> tuple[np.ndarray, np.ndarray]:
    """Leave both poses where they are: the error is absolute, in the camera frame."""
    return pred, gt


def align_root(pred: np.ndarray, gt: np.ndarray, valid: np.ndarray, root: Root) -> tuple[np.ndarray, np.ndarray]:
    """Subtract each pose's own root: the error no longer sees where the person stands.

    Args:
        pred, gt: (N, K, 3) mm.
        valid: (N, K), not used here.
        root: See the head of the module.

    Returns:
        Both poses relative to their own root, (N, K, 3) mm each.

    Example:
        >>> pred, gt = np.array([[[1., 0., 0.], [1., 5., 0.]]]), np.array([[[0., 0., 9.], [0., 5., 9.]]])
        >>> moved, still = align_root(pred, gt, np.ones((1, 2), bool), 0)
        >>> bool((moved == still).all())
        True
    """
    return pred - root_position(pred, root)[:, None], gt - root_position(gt, root)[:, None]


def similarity_align(pred: np.ndarray, gt: np.ndarray, valid: np.ndarray, *, scale: bool = True) -> np.ndarray:
    """Move every predicted pose onto its true pose by the best rotation, translation and (optionally) scale.

    Least squares over the valid keypoints (Umeyama 1991). Mirror images are not allowed, so a pose with left and right
    exchanged keeps its error. A prediction whose valid keypoints coincide is only translated. Poses with one or two
    valid keypoints are matched without error by any similarity; callers who mind must leave them out.

    Args:
        pred, gt: (N, K, 3), same unit.
        valid: (N, K) keypoints that determine the transform; the others are moved along.
        scale: False for a rigid transform.

    Returns:
        Aligned predictions, (N, K, 3). Rows with a non-finite valid keypoint, or none valid, come back as NaN.

    Example:
        >>> gt = np.array([[[0., 0., 0.], [1., 0., 0.], [0., 2., 0.], [0., 0., 3.]]])
        >>> quarter_turn = np.array([[0., -1., 0.], [1., 0., 0.], [0., 0., 1.]])
        >>> pred = 7 + 2 * gt @ quarter_turn.T
        >>> bool(np.allclose(similarity_align(pred, gt, np.ones((1, 4), bool)), gt))
        True
    """
    weight = np.asarray(valid, dtype=np.float64)[..., None]  # (N, K, 1)
    source = np.where(weight > 0, pred, 0.0).astype(np.float64)
    target = np.where(weight > 0, gt, 0.0).astype(np.float64)
    usable = np.isfinite(source).all((1, 2)) & np.isfinite(target).all((1, 2)) & (weight.sum((1, 2)) > 0)
    aligned = np.full(pred.shape, np.nan)
    if not usable.any():
        return aligned
    weight, source, target = weight[usable], source[usable], target[usable]

    count = weight.sum(1, keepdims=True)  # (n, 1, 1)
    source_mean = source.sum(1, keepdims=True) / count
    target_mean = target.sum(1, keepdims=True) / count
    source, target = (source - source_mean) * weight, (target - target_mean) * weight

    u, singular, vt = np.linalg.svd(source.transpose(0, 2, 1) @ target)  # source.T @ target = u · s · vt
    signs = np.ones_like(singular)
    signs[:, 2] = np.sign(np.linalg.det(u @ vt))  # det -1 would be a reflection: flip the weakest axis
    rotation = (u * signs[:, None]) @ vt  # row vectors: aligned = source @ rotation
    spread = (source**2).sum((1, 2))
    # points that coincide (up to rounding) fix neither a rotation nor a scale
    spread_floor = (1e-12 * np.abs(source_mean).max((1, 2), initial=1.0)) ** 2
    degenerate = spread <= spread_floor
    rotation[degenerate] = np.eye(3)
    factor = np.ones(len(spread))
    if scale:
        np.divide((singular * signs).sum(1), spread, out=factor, where=~degenerate)
    aligned[usable] = factor[:, None, None] * ((pred[usable] - source_mean) @ rotation) + target_mean
    return aligned


def align_procrustes(pred: np.ndarray, gt: np.ndarray, valid: np.ndarray, root: Root) -> tuple[np.ndarray, np.ndarray]:
    """Similarity alignment of every pose by itself (PA-MPJPE, "reconstruction error"); ``root`` is not used."""
    return similarity_align(pred, gt, valid), gt


def align_rigid(pred: np.ndarray, gt: np.ndarray, valid: np.ndarray, root: Root) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and translation of every pose by itself, its size stays (Moon et al. 2019); ``root`` is not used.

    Example:
        >>> gt = np.array([[[-100., 0., 0.], [100., 0., 0.], [0., 200., 0.], [0., -200., 0.]]])
        >>> moved, still = align_rigid(1.1 * gt + 7, gt, np.ones((1, 4)), 0)
        >>> np.linalg.norm(moved - still, axis=-1).round(6).tolist()
        [[10.0, 10.0, 20.0, 20.0]]
    """
    return similarity_align(pred, gt, valid, scale=False), gt


#: name -> function(pred, gt, valid, root) giving the aligned (pred, gt)
ALIGNMENTS: dict[str, Callable] = dict(none=align_none, root=align_root, procrustes=align_procrustes, rigid=align_rigid)
