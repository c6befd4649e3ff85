"""The least a pose network must beat: everybody stands in the mean pose.

The baseline is told where every person is in the image (the true root pixel), so it is an *oracle for detection*:
its recall and precision are perfect by construction and mean nothing. Depth is not told: every root is put at
``z = f · d`` with the mean normalised root depth ``d = z / f`` of the training set (the same normalisation as the
network's), so its absolute errors are honest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from das_mm.structures.cameras import back_project, focal_px, project

from .alignment import Root, root_position


@dataclass(frozen=True)
class MeanPose:
    """What the baseline learns.

    Attributes:
        pose_mm: (K, 3) mean root-relative pose, mm.
        depth_norm: Mean root depth over focal length, mm per px.
    """

    pose_mm: np.ndarray
    depth_norm: float


def mean_root_relative_pose(keypoints_3d: np.ndarray, valid: np.ndarray, root: Root) -> np.ndarray:
    """Mean over persons of the root-relative pose, each keypoint over the persons in whom it is valid.

    Args:
        keypoints_3d: (N, K, 3) mm.
        valid: (N, K). Persons without a valid root are left out.
        root: Index or indices of the root.

    Returns:
        (K, 3) mm; keypoints never seen are 0 (at the root).

    Example:
        >>> poses = np.array([[[0., 0., 0.], [0., 10., 0.]], [[5., 5., 5.], [5., 35., 5.]]])
        >>> mean_root_relative_pose(poses, np.ones((2, 2)), root=0)
        array([[ 0.,  0.,  0.],
               [ 0., 20.,  0.]])
    """
    valid = np.asarray(valid, dtype=bool)
    usable = valid & valid[:, np.atleast_1d(root)].all(1, keepdims=True)
    relative = keypoints_3d - root_position(keypoints_3d, root)[:, None]
    total = np.where(usable[..., None], relative, 0.0).sum(0)
    return total / usable.sum(0).clip(min=1)[:, None]


def fit_mean_pose(keypoints_3d: np.ndarray, valid: np.ndarray, focal: np.ndarray, root: Root) -> MeanPose:
    """Statistics of a training set.

    Args:
        keypoints_3d: (N, K, 3) mm, camera frame.
        valid: (N, K).
        focal: (N,) focal length of each person's image, px.
        root: Index or indices of the root.

    Raises:
        ValueError: No person has a valid root.

    Example:
        >>> poses = np.array([[[0., 0., 2000.], [0., 10., 2000.]], [[0., 0., 4000.], [0., 30., 4000.]]])
        >>> fit_mean_pose(poses, np.ones((2, 2)), np.array([500., 500.]), root=0).depth_norm
        6.0
    """
    rooted = np.asarray(valid, dtype=bool)[:, np.atleast_1d(root)].all(1)
    if not rooted.any():
        raise ValueError('no person with a valid root to take the mean pose of')
    depth_norm = (root_position(keypoints_3d[rooted], root)[:, 2] / focal[rooted]).mean()
    return MeanPose(mean_root_relative_pose(keypoints_3d, valid, root), float(depth_norm))


def mean_pose_predictions(stats: MeanPose, roots_px: np.ndarray, K: np.ndarray, dist=None) -> dict[str, np.ndarray]:
    """The mean pose at each given root, in the layout of the network's ``pred_instances``.

    Args:
        stats: From :func:`fit_mean_pose`.
        roots_px: (N, 2) true root pixels of one image.
        K: (3, 3) intrinsics of that image.
        dist: Distortion of that image, or None.

    Returns:
        ``keypoints`` (N, K, 2) px, ``keypoint_scores`` (N, K), ``keypoints_3d`` (N, K, 3) mm, ``scores`` and
        ``bbox_scores`` (N,), ``bboxes`` (N, 4) xyxy px, ``root_depths_mm`` (N,), ``roots_px`` (N, 2).

    Example:
        >>> stats = MeanPose(np.array([[0., 0., 0.], [100., 0., 0.]]), depth_norm=4.)
        >>> K = np.array([[500., 0., 320.], [0., 500., 240.], [0., 0., 1.]])
        >>> mean_pose_predictions(stats, np.array([[320., 240.]]), K)['keypoints_3d'].tolist()
        [[[0.0, 0.0, 2000.0], [100.0, 0.0, 2000.0]]]
    """
    roots_px, num = np.asarray(roots_px, dtype=np.float64).reshape(-1, 2), len(stats.pose_mm)
    depths_mm = np.full(len(roots_px), stats.depth_norm * float(focal_px(K)))
    keypoints_3d = back_project(roots_px, depths_mm, K, dist)[:, None] + stats.pose_mm
    keypoints_px = project(keypoints_3d.reshape(-1, 3), K, dist).reshape(-1, num, 2)
    ones = np.ones(len(roots_px))
    return dict(
        keypoints=keypoints_px,
        keypoint_scores=np.ones((len(roots_px), num)),
        keypoints_3d=keypoints_3d,
        scores=ones,
        bbox_scores=ones,
        bboxes=np.concatenate([keypoints_px.min(1), keypoints_px.max(1)], axis=1),
        root_depths_mm=depths_mm,
        roots_px=roots_px,
    )
