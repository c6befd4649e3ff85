"""From paired people to the table of numbers: errors of all persons of a data set, then their means.

Letters: N true persons with 3D (all images together), K keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .alignment import Root
from .errors import joint_errors, mean_over_joints, mrpe
from .mean_pose import mean_root_relative_pose
from .pck import auc, pck, pck_per_joint

#: alignment -> name of its mean error
ERROR_NAMES = dict(root='mpjpe_mm', none='mpjpe_abs_mm', procrustes='pa_mpjpe_mm', rigid='rigid_mpjpe_mm')


@dataclass(frozen=True)
class PoseErrors:
    """Errors of N true persons; those that were not found have +inf everywhere.

    Attributes:
        joint_mm: alignment -> (N, K) mm, NaN where not valid.
        root_mm: (N,) distance of the roots in the camera frame, mm.
        mrpe_mm: (4,) mean root error of the found persons: whole, x, y, z.
        fallback_mm: (N, K) mm, root-aligned, where the persons not found stand in the mean pose of the N persons.
        valid: (N, K) bool.
        matched: (N,) bool.
        root: Index or indices of the root.
    """

    joint_mm: dict[str, np.ndarray]
    root_mm: np.ndarray
    mrpe_mm: np.ndarray
    fallback_mm: np.ndarray
    valid: np.ndarray
    matched: np.ndarray
    root: Root

    @property
    def valid_no_root(self) -> np.ndarray:
        """(N, K) valid keypoints but the root, which root alignment makes right; a derived root is no keypoint."""
        valid = self.valid.copy()
        if np.size(self.root) == 1:
            valid[:, np.atleast_1d(self.root)] = False
        return valid


def pose_errors(
    pred: np.ndarray,
    gt: np.ndarray,
    valid: np.ndarray,
    matched: np.ndarray,
    root: Root,
    alignments: Sequence[str] = ('root', 'none', 'procrustes'),
) -> PoseErrors:
    """Errors of all persons under several alignments.

    Args:
        pred: (N, K, 3) mm, camera frame; anything for persons not matched.
        gt: (N, K, 3) mm.
        valid: (N, K); the root of every person must be valid.
        matched: (N,) found or not.
        root: Index or indices of the root.
        alignments: Keys of ``ALIGNMENTS``; ``'root'`` and ``'none'`` are always computed.

    Example:
        >>> gt = np.array([[[0., 0., 900.], [0., 90., 900.]]] * 2)
        >>> errors = pose_errors(gt + 30., gt, np.ones((2, 2)), np.array([True, False]), root=0)
        >>> errors.joint_mm['root'].tolist()
        [[0.0, 0.0], [inf, inf]]
    """
    valid, matched = np.asarray(valid, dtype=bool), np.asarray(matched, dtype=bool)
    found_pred, found_gt, found_valid = pred[matched], gt[matched], valid[matched]

    joint_mm = {}
    for alignment in dict.fromkeys(('root', 'none', *alignments)):
        joint_mm[alignment] = np.where(valid, np.inf, np.nan)
        joint_mm[alignment][matched] = joint_errors(found_pred, found_gt, found_valid, alignment=alignment, root=root)

    # the roots as one-keypoint poses, so that a derived root is treated like any other
    root_mm = np.full(len(gt), np.inf)
    roots = [poses[:, np.atleast_1d(root)].mean(1, keepdims=True) for poses in (found_pred, found_gt)]
    root_mm[matched] = np.linalg.norm(roots[0] - roots[1], axis=-1)[:, 0]

    fallback = joint_mm['root'].copy()
    if not matched.all():
        mean = mean_root_relative_pose(gt, valid, root)
        missed = np.broadcast_to(mean, gt[~matched].shape)
        fallback[~matched] = joint_errors(missed, gt[~matched], valid[~matched], alignment='root', root=root)
    return PoseErrors(joint_mm, root_mm, mrpe(*roots), fallback, valid, matched, root)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float('nan')


def ratio(part: float, whole: float) -> float:
    """Percentage, NaN when there is nothing to take a part of.

    Example:
        >>> ratio(1, 4), ratio(0, 0)
        (25.0, nan)
    """
    return 100.0 * part / whole if whole else float('nan')


def summarise_pose(
    errors: PoseErrors, alignments: Sequence[str] = ('root', 'none', 'procrustes'), pck_threshold_mm: float = 150.0
) -> dict[str, float]:
    """Mean errors (mm) and PCK (percent) of a data set.

    ============================  =====================================================================================
    ``mpjpe_mm``                  root-aligned, over *found* persons; mean of the persons' means over valid keypoints.
                                  The root's zero is included, as in the Panoptic numbers of the papers
    ``mpjpe_no_root_mm``          the same without the root
    ``mpjpe_abs_mm``              not aligned (camera frame)
    ``pa_mpjpe_mm``               after a similarity transform of each person
    ``rigid_mpjpe_mm``            after a rotation and translation of each person (if asked for)
    ``mpjpe_all_mm``              root-aligned over *all* persons; those not found stand in the mean pose of the truth,
                                  so that missing the difficult ones does not pay
    ``pck_rel``, ``auc_rel``      root-aligned, root left out, over all persons: those not found are wrong
    ``pck_abs``                   not aligned, root left out, over all persons
    ``pck_root``                  roots within the threshold (inclusive), not aligned, over all persons
    ``…_matched``                 the same four over found persons only
    ``mrpe_mm``, ``mrpe_x_mm`` …  root error of found persons, whole and by axis
    ============================  =====================================================================================

    Numbers without a person to take them from are NaN.

    Example:
        >>> gt = np.array([[[0., 0., 900.], [0., 90., 900.]]] * 2)
        >>> errors = pose_errors(gt + [0., 0., 200.], gt, np.ones((2, 2)), np.array([True, False]), root=0)
        >>> table = summarise_pose(errors)
        >>> [table[name] for name in ('mpjpe_mm', 'mpjpe_abs_mm', 'pck_rel', 'pck_rel_matched', 'pck_abs')]
        [0.0, 200.0, 50.0, 100.0, 0.0]
    """
    found, valid, no_root = errors.matched, errors.valid, errors.valid_no_root
    relative, absolute = errors.joint_mm['root'], errors.joint_mm['none']
    table = {
        ERROR_NAMES[name]: _mean(mean_over_joints(errors.joint_mm[name][found], valid[found])) for name in alignments
    }
    table['mpjpe_no_root_mm'] = _mean(mean_over_joints(relative[found], no_root[found]))
    table['mpjpe_all_mm'] = _mean(mean_over_joints(errors.fallback_mm, valid))
    everybody = np.ones(len(found), dtype=bool)
    for suffix, rows in (('', everybody), ('_matched', found)):
        table[f'pck_rel{suffix}'] = pck(relative[rows], no_root[rows], pck_threshold_mm)
        table[f'pck_abs{suffix}'] = pck(absolute[rows], no_root[rows], pck_threshold_mm)
        table[f'pck_root{suffix}'] = pck(errors.root_mm[rows], everybody[rows], pck_threshold_mm, inclusive=True)
        table[f'auc_rel{suffix}'] = auc(relative[rows], no_root[rows])
    names = ('mrpe_mm', 'mrpe_x_mm', 'mrpe_y_mm', 'mrpe_z_mm')
    table.update(zip(names, (float(value) for value in errors.mrpe_mm)))
    return table


def summarise_detection(num_gt: int, num_matched: int, num_pred: int, num_used: int) -> dict[str, float]:
    """How many were found, and how many of the found were people.

    Args:
        num_gt: Evaluated true persons.
        num_matched: Those with a prediction.
        num_pred: Predictions that count (those on ignored people do not).
        num_used: Predictions that serve a true person; equals ``num_matched`` under an exclusive rule.

    Returns:
        ``recall`` and ``precision`` in percent (NaN when undefined), ``num_gt``, ``num_matched``, ``num_pred``.

    Example:
        >>> table = summarise_detection(num_gt=4, num_matched=2, num_pred=8, num_used=2)
        >>> table['recall'], table['precision']
        (50.0, 25.0)
    """
    return dict(
        recall=ratio(num_matched, num_gt),
        precision=ratio(num_used, num_pred),
        num_gt=float(num_gt),
        num_matched=float(num_matched),
        num_pred=float(num_pred),
    )


def per_joint_table(errors: PoseErrors, pck_threshold_mm: float = 150.0) -> dict[str, np.ndarray]:
    """Errors of each keypoint by itself.

    Returns:
        (K,) arrays: ``mpjpe_mm`` (root-aligned, found persons), ``pck_rel`` (percent, all persons), ``num_gt``; NaN for
        keypoints without a person.

    Example:
        >>> gt = np.zeros((1, 2, 3))
        >>> errors = pose_errors(np.array([[[0., 0., 0.], [0., 30., 40.]]]), gt, np.ones((1, 2)), np.ones(1), root=0)
        >>> per_joint_table(errors)['mpjpe_mm']
        array([ 0., 50.])
    """
    relative, found = errors.joint_mm['root'], errors.matched
    return dict(
        mpjpe_mm=mean_over_joints(relative[found].T, errors.valid[found].T),
        pck_rel=pck_per_joint(relative, errors.valid, pck_threshold_mm),
        num_gt=errors.valid.sum(0),
    )
