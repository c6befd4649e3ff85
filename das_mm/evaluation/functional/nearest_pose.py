"""The protocol of the literature and that of the released DAS code on CMU Panoptic.

Both compare every true person with the predicted person of the most similar *root-aligned* pose, wherever that one
stands. A prediction may serve several people, further predictions cost nothing, and where an image has no prediction
at all its people are compared with a mean pose (a *fallback*). A person missed beside others is compared with somebody
else, so these errors say little without a recall. They differ in the means:

================  ==================================================  ================================================
what              ``literature``                                      ``released_code``
================  ==================================================  ================================================
mean              over people, of each one's mean over valid joints   over images weighted by their people, of the mean
                                                                      over all valid joints in the image
root's zero       included                                            included
fallback pose     mean root-relative pose of the people evaluated,    mean root-relative pose of everybody annotated in
                  camera frame                                        the *activity*, turned by the cameras into the
                                                                      world and back where the cameras tell how
================  ==================================================  ================================================

``literature`` is what the papers state (Zanfir et al.; DAS, CVPR 2022 §4.1: MPJPE after alignment of the root); their
assignment is not stated, so it is taken from the code. Letters: N true and M predicted people, K keypoints; mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .alignment import Root, root_position
from .errors import mean_over_joints
from .matching import mean_distance
from .mean_pose import mean_root_relative_pose


@dataclass(frozen=True)
class PosedImage:
    """People of one image, camera frame.

    Attributes:
        gt: (N, K, 3) mm.
        valid: (N, K) bool; the root of everybody must be valid.
        pred: (M, K, 3) mm, finite.
        rotation: (3, 3) world to camera, ``X_cam = R · X_world + T``, or None where unknown.
    """

    gt: np.ndarray
    valid: np.ndarray
    pred: np.ndarray
    rotation: np.ndarray | None = None


@dataclass(frozen=True)
class NearestPoseErrors:
    """Errors of N people in I images.

    Attributes:
        joint_mm: (N, K) root-aligned, NaN where not valid.
        valid: (N, K) bool.
        image: (N,) row of the image of each person.
        num_fallback: People compared with the mean pose.
        root: Index or indices of the root.
    """

    joint_mm: np.ndarray
    valid: np.ndarray
    image: np.ndarray
    num_fallback: int
    root: Root


def nearest_pose_errors(
    images: Sequence[PosedImage], mean_pose: np.ndarray, root: Root, *, world: bool = False
) -> NearestPoseErrors:
    """Compare everybody with the nearest root-aligned prediction of the image.

    Args:
        images: I images.
        mean_pose: (K, 3) mm root-relative, for images without predictions.
        root: Index or indices of the root.
        world: The mean pose is given in the world frame; it is turned by each image's ``rotation``.

    Example:
        >>> gt = np.array([[[0., 0., 900.], [0., 90., 900.]], [[9., 0., 900.], [9., 50., 900.]]])
        >>> image = PosedImage(gt, np.ones((2, 2), bool), gt[:1] + 500.)  # one prediction, elsewhere
        >>> nearest_pose_errors([image], np.zeros((2, 3)), root=0).joint_mm
        array([[ 0.,  0.],
               [ 0., 40.]])
    """
    num_keypoints = len(mean_pose)
    joint_mm, valid, rows, num_fallback = [np.zeros((0, num_keypoints))], [np.zeros((0, num_keypoints), bool)], [], 0
    for row, image in enumerate(images):
        relative = image.pred - root_position(image.pred, root)[:, None]
        if len(relative) == 0:
            turned = mean_pose @ image.rotation.T if world and image.rotation is not None else mean_pose
            relative = turned[None]
            num_fallback += len(image.gt)
        gt = image.gt - root_position(image.gt, root)[:, None]
        nearest = relative[mean_distance(gt, relative, image.valid).argmin(1)]  # (N, K, 3)
        joint_mm.append(np.where(image.valid, np.linalg.norm(nearest - gt, axis=-1), np.nan))
        valid.append(image.valid)
        rows += [row] * len(gt)
    return NearestPoseErrors(
        np.concatenate(joint_mm), np.concatenate(valid), np.array(rows, dtype=np.int64), num_fallback, root
    )


def mean_pose_of(images: Sequence[PosedImage], root: Root, num_keypoints: int, *, world: bool = False) -> np.ndarray:
    """Mean root-relative pose of all people; ``world`` turns each into the world frame first.

    Returns:
        (K, 3) mm, zeros where nobody has the keypoint.

    Raises:
        ValueError: ``world`` is asked for and an image has no rotation.

    Example:
        >>> quarter = np.array([[0., -1., 0.], [1., 0., 0.], [0., 0., 1.]])  # the camera sees world x as its y
        >>> image = PosedImage(np.array([[[0., 0., 5.], [0., 90., 5.]]]), np.ones((1, 2)), np.zeros((0, 2, 3)), quarter)
        >>> mean_pose_of([image], 0, 2, world=True).tolist(), mean_pose_of([image], 0, 2).tolist()
        ([[0.0, 0.0, 0.0], [90.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 90.0, 0.0]])
    """
    if world and any(image.rotation is None for image in images):
        raise ValueError('the mean pose in the world frame needs the rotation of every camera')
    poses = [image.gt @ image.rotation if world else image.gt for image in images]  # rows: R^T x as x @ R
    gt = np.concatenate([np.zeros((0, num_keypoints, 3)), *poses])
    valid = np.concatenate([np.zeros((0, num_keypoints), bool), *(image.valid for image in images)])
    return mean_root_relative_pose(gt, valid, root)


def literature_mpjpe(errors: NearestPoseErrors) -> float:
    """Mean over people of their means over valid keypoints, mm; NaN without people.

    Example:
        >>> errors = NearestPoseErrors(np.array([[0., 40.], [0., np.nan]]), np.array([[1, 1], [1, 0]], bool),
        ...                        np.array([0, 0]), 0, root=0)
        >>> literature_mpjpe(errors), round(released_code_mpjpe(errors), 2)  # (20 + 0) / 2; 40 / 3
        (10.0, 13.33)
    """
    means = mean_over_joints(errors.joint_mm, errors.valid)
    return float(np.nanmean(means)) if np.isfinite(means).any() else float('nan')


def released_code_mpjpe(errors: NearestPoseErrors, *, without_root: bool = False) -> float:
    """Mean over images weighted by their people of the mean over all valid keypoints in the image, mm.

    Args:
        without_root: Leave the root's zeros out (not what the code does, but what the number would be without them).

    Example:
        >>> errors = NearestPoseErrors(np.array([[0., 40.], [0., 0.], [0., 80.]]), np.ones((3, 2), bool),
        ...                        np.array([0, 0, 1]), 0, root=0)
        >>> released_code_mpjpe(errors), released_code_mpjpe(errors, without_root=True)  # (2 · 10 + 40) / 3
        (20.0, 40.0)
    """
    valid = errors.valid.copy()
    if without_root and np.size(errors.root) == 1:
        valid[:, np.atleast_1d(errors.root)] = False
    num_images = int(errors.image.max(initial=-1)) + 1
    people = np.bincount(errors.image, minlength=num_images)
    count = np.bincount(errors.image, valid.sum(1), minlength=num_images)
    total = np.bincount(errors.image, np.where(valid, errors.joint_mm, 0.0).sum(1), minlength=num_images)
    counted = count > 0
    if not counted.any():
        return float('nan')
    return float((total[counted] / count[counted] * people[counted]).sum() / people[counted].sum())
