"""Sets of images with one person each (MPI-INF-3DHP, Human3.6M), predicted by a model that may find any number.

Somebody must choose which prediction is meant, and the rule belongs to the number:

====================  ==============================================================================================
``highest_score``     Default. The prediction with the highest score, wherever it is: what a user without the truth
                      would get. A ghost with a better score than the person costs the whole pose.
``nearest_in_image``  The prediction with the smallest mean pixel distance to the true keypoints that are labelled and
                      in the image. It looks at the truth, as do results that were made from true boxes: an oracle for
                      detection, so say so next to the number.
====================  ==============================================================================================

Letters: N true people (one, as a rule), M predictions, K keypoints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from das_mm.structures.people import People

from .errors import joint_errors, mean_over_joints, mrpe
from .matching import mean_distance
from .mean_pose import mean_root_relative_pose
from .pck import auc, pck
from .summary import ratio


def choose_highest_score(ground_truth: People, predicted: People) -> np.ndarray:
    """(N,) index of the prediction with the highest score for everybody, -1 without predictions.

    Example:
        >>> choose_highest_score(People(keypoints_px=np.zeros((1, 1, 2))), People(scores=[.3, .9]))
        array([1])
    """
    best = int(np.argmax(np.nan_to_num(predicted.scores, nan=-np.inf))) if len(predicted) else -1
    return np.full(len(ground_truth), best, dtype=np.int64)


def choose_nearest_in_image(ground_truth: People, predicted: People) -> np.ndarray:
    """(N,) index of the prediction nearest in the image, -1 without predictions; scores are not used.

    Example:
        >>> one = People(keypoints_px=np.zeros((1, 1, 2)), keypoints_valid=np.ones((1, 1), bool))
        >>> choose_nearest_in_image(one, People(keypoints_px=[[[9., 0.]], [[2., 0.]]]))
        array([1])
    """
    if len(predicted) == 0:
        return np.full(len(ground_truth), -1, dtype=np.int64)
    distance = mean_distance(ground_truth.keypoints_px, predicted.keypoints_px, ground_truth.keypoints_valid)
    return distance.argmin(1).astype(np.int64)


#: name -> function(ground_truth, predicted)
CHOICE_RULES: dict[str, Callable] = dict(highest_score=choose_highest_score, nearest_in_image=choose_nearest_in_image)


@dataclass(frozen=True)
class SinglePersonPoses:
    """N true poses with the prediction chosen for each; letters as above.

    Attributes:
        gt, pred: (N, K, 3) mm, camera frame; anything in ``pred`` for people who were not found.
        valid: (N, K) bool; the root of everybody must be valid.
        found: (N,) bool.
        root: Index of the root.
    """

    gt: np.ndarray
    pred: np.ndarray
    valid: np.ndarray
    found: np.ndarray
    root: int

    def __len__(self) -> int:
        return len(self.gt)

    def __getitem__(self, rows) -> SinglePersonPoses:
        """The people picked by a mask or by indices."""
        return SinglePersonPoses(self.gt[rows], self.pred[rows], self.valid[rows], self.found[rows], self.root)

    def errors(self, alignment: str, joints: np.ndarray) -> np.ndarray:
        """(N, len(joints)) mm, +inf for people who were not found, NaN where not valid.

        Alignments but that of the root are determined by the given joints alone.
        """
        errors = np.where(self.valid[:, joints], np.inf, np.nan)
        pred, gt, valid = self.pred[self.found], self.gt[self.found], self.valid[self.found]
        if alignment in ('root', 'none'):
            errors[self.found] = joint_errors(pred, gt, valid, alignment=alignment, root=self.root)[:, joints]
        else:
            errors[self.found] = joint_errors(pred[:, joints], gt[:, joints], valid[:, joints], alignment=alignment)
        return errors


def pck_and_auc(
    poses: SinglePersonPoses, joints: np.ndarray, alignment: str = 'root', threshold_mm: float = 150.0
) -> tuple[float, float]:
    """PCK below the threshold and AUC of 0, 5, …, 150 mm, percent (Mehta et al. 2017).

    People who were not found are wrong in every joint.

    Args:
        poses: N people.
        joints: Indices of the keypoints that count.
        alignment: Key of ``ALIGNMENTS``.
        threshold_mm: Threshold of PCK (exclusive).

    Example:
        >>> gt = np.array([[[0., 0., 900.], [0., 90., 900.]]] * 2)
        >>> poses = SinglePersonPoses(gt, gt, np.ones((2, 2), bool), np.array([True, False]), root=0)
        >>> pck_and_auc(poses, np.arange(2))[0]
        50.0
    """
    errors, valid = poses.errors(alignment, joints), poses.valid[:, joints]
    return pck(errors, valid, threshold_mm), auc(errors, valid)


def error_table(poses: SinglePersonPoses, joints: np.ndarray) -> dict[str, float]:
    """Mean errors in mm.

    =======================  ==========================================================================================
    ``mpjpe_mm``             root-aligned, over found people; mean of their means over the joints, the root's zero
                             included if it is among them
    ``pa_mpjpe_mm``          after the best similarity transform of each
    ``rigid_mpjpe_mm``       after the best rotation and translation of each
    ``mpjpe_all_mm``         root-aligned, over all people; who was not found stands in the mean pose of the truth
    ``mrpe_mm`` …            root in the camera frame: mean distance, and mean absolute difference along x, y, z
    ``recall``               found, percent; ``num_people``
    =======================  ==========================================================================================

    Numbers without a person to take them from are NaN.

    Args:
        poses: N people.
        joints: Indices of the keypoints that count.

    Example:
        >>> gt = np.array([[[0., 0., 900.], [0., 90., 900.]]])
        >>> pred = gt + [[[3., 0., 4.], [3., 0., 34.]]]
        >>> poses = SinglePersonPoses(gt, pred, np.ones((1, 2), bool), np.ones(1, bool), root=0)
        >>> table = error_table(poses, np.arange(2))
        >>> table['mpjpe_mm'], table['mrpe_mm'], table['mrpe_x_mm'], table['mrpe_z_mm']
        (15.0, 5.0, 3.0, 4.0)
    """
    names = dict(root='mpjpe_mm', procrustes='pa_mpjpe_mm', rigid='rigid_mpjpe_mm')
    found, valid = poses.found, poses.valid[:, joints]
    table = {
        name: _mean(mean_over_joints(poses.errors(alignment, joints)[found], valid[found]))
        for alignment, name in names.items()
    }
    mean = np.broadcast_to(mean_root_relative_pose(poses.gt, poses.valid, poses.root), poses.gt.shape)
    standing = SinglePersonPoses(
        poses.gt, np.where(found[:, None, None], poses.pred, mean), poses.valid, np.ones_like(found), poses.root
    )
    table['mpjpe_all_mm'] = _mean(mean_over_joints(standing.errors('root', joints), valid))
    offsets = mrpe(poses.pred[found], poses.gt[found], poses.root)
    table.update(zip(('mrpe_mm', 'mrpe_x_mm', 'mrpe_y_mm', 'mrpe_z_mm'), map(float, offsets)))
    table.update(recall=ratio(int(found.sum()), len(found)), num_people=float(len(found)))
    return table


def _mean(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]  # people without one of these joints
    return float(values.mean()) if len(values) else float('nan')
