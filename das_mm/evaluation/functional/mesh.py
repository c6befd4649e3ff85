"""Errors of recovered meshes, and the least a network must beat: everybody has the mean body.

Letters: N people, V vertices, B betas. Meshes are in mm; "untranslated" means as a body model gives them, turned as the
camera sees them, with the rest pelvis where the template has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from das_mm.structures.keypoint_sets import KEYPOINT_SETS

from .alignment import Root, root_position
from .errors import mpjpe

#: the joints of the published numbers, and the indices whose mean is their root (both hips, as in ROMP)
LSP14 = KEYPOINT_SETS['lsp14'].keypoints
LSP14_ROOT = KEYPOINT_SETS['lsp14'].root_sources


@dataclass(frozen=True)
class BodyParameters:
    """SMPL parameters of N people in the camera frame.

    Attributes:
        global_orient: (N, 3) axis-angle, rad. body_pose: (N, 23, 3) axis-angle, rad. betas: (N, B).
        transl_mm: (N, 3).
    """

    global_orient: np.ndarray
    body_pose: np.ndarray
    betas: np.ndarray
    transl_mm: np.ndarray

    def __len__(self) -> int:
        return len(self.global_orient)

    def __getitem__(self, index) -> BodyParameters:
        """The people picked by a mask or by indices (N',)."""
        return BodyParameters(*(column[index] for column in vars(self).values()))

    @property
    def finite(self) -> np.ndarray:
        """(N,) bool, every number of the person is finite."""
        return np.stack([np.isfinite(column).all(tuple(range(1, column.ndim))) for column in vars(self).values()]).all(
            0
        )

    @staticmethod
    def concatenate(parts: Sequence[BodyParameters], num_betas: int = 10) -> BodyParameters:
        """All people of all parts, in order; ``num_betas`` where there is no part to tell."""
        if not parts:
            return BodyParameters(np.zeros((0, 3)), np.zeros((0, 23, 3)), np.zeros((0, num_betas)), np.zeros((0, 3)))
        return BodyParameters(*(np.concatenate(columns) for columns in zip(*(vars(part).values() for part in parts))))


@dataclass(frozen=True)
class PosedBodies:
    """N meshes: ``vertices_mm`` (N, V, 3) and ``joints_mm`` (N, 14, 3) untranslated, ``transl_mm`` (N, 3)."""

    vertices_mm: np.ndarray
    joints_mm: np.ndarray
    transl_mm: np.ndarray


def pve(
    pred: np.ndarray, gt: np.ndarray, pred_origin: np.ndarray | float = 0.0, gt_origin: np.ndarray | float = 0.0
) -> np.ndarray:
    """Per-vertex error of each person: mean distance of corresponding vertices, each mesh relative to its origin.

    Args:
        pred, gt: (N, V, 3) mm.
        pred_origin, gt_origin: (N, 3) mm subtracted from the meshes, or 0.

    Returns:
        (N,) mm.

    Example:
        >>> gt = np.zeros((1, 2, 3)); pred = gt + [3., 4., 0.]
        >>> pve(pred, gt), pve(pred, gt, np.array([[3., 4., 2.]]))
        (array([5.]), array([2.]))
    """
    shift = np.broadcast_to(np.asarray(gt_origin, float) - pred_origin, (len(pred), 3))
    return np.linalg.norm(pred - gt + shift[:, None], axis=-1).mean(1)


def mesh_errors(pred: PosedBodies, gt: PosedBodies, root: Root = LSP14_ROOT) -> dict[str, np.ndarray]:
    """Errors of N people.

    ======================  ============================================================================================
    ``mpjpe_mm``            mean over the 14 joints, each pose relative to its own root
    ``pa_mpjpe_mm``         the same after a similarity transform of each person
    ``pve_root_mm``         mean over vertices, each mesh relative to the root of its joints
    ``pve_zero_transl_mm``  mean over vertices of the untranslated meshes (what ROMP reports as PVE)
    ``pve_abs_mm``          mean over vertices where the meshes stand in the camera frame
    ======================  ============================================================================================

    Args:
        pred, gt: Meshes of one topology.
        root: Index or indices of the joints whose mean is the root.

    Returns:
        name -> (N,) mm.

    Example:
        >>> gt = PosedBodies(np.zeros((1, 9, 3)), np.eye(14, 3)[None], np.zeros((1, 3)))
        >>> pred = PosedBodies(gt.vertices_mm + 7, gt.joints_mm + 7, np.array([[0., 0., 100.]]))
        >>> {name: float(error[0].round(3)) for name, error in mesh_errors(pred, gt, root=2).items() if 'pve' in name}
        {'pve_root_mm': 0.0, 'pve_zero_transl_mm': 12.124, 'pve_abs_mm': 107.457}
    """
    valid = np.ones(gt.joints_mm.shape[:2], bool)
    roots = [root_position(bodies.joints_mm, root) for bodies in (pred, gt)]
    return dict(
        mpjpe_mm=mpjpe(pred.joints_mm, gt.joints_mm, valid, alignment='root', root=root),
        pa_mpjpe_mm=mpjpe(pred.joints_mm, gt.joints_mm, valid, alignment='procrustes'),
        pve_root_mm=pve(pred.vertices_mm, gt.vertices_mm, *roots),
        pve_zero_transl_mm=pve(pred.vertices_mm, gt.vertices_mm),
        pve_abs_mm=pve(pred.vertices_mm, gt.vertices_mm, -pred.transl_mm, -gt.transl_mm),
    )


#: names of ``mesh_errors``
MESH_ERRORS = ('mpjpe_mm', 'pa_mpjpe_mm', 'pve_root_mm', 'pve_zero_transl_mm', 'pve_abs_mm')


def mean_body(people: BodyParameters) -> BodyParameters:
    """One person: the mean shape and, joint by joint, the rotation with the least squared distance from all.

    People who face all ways have no mean direction; that of the result is then upright and arbitrary (but always the
    same for the same people).

    Args:
        people: N >= 1 people.

    Returns:
        One person at the mean translation.

    Raises:
        ValueError: N is 0.

    Example:
        >>> turned = np.array([[0., .2, 0.], [0., .4, 0.]])
        >>> people = BodyParameters(turned, np.zeros((2, 23, 3)), np.array([[1.], [3.]]), np.zeros((2, 3)))
        >>> mean = mean_body(people)
        >>> float(mean.global_orient[0, 1].round(6)), mean.betas.tolist()
        (0.3, [[2.0]])
    """
    if len(people) == 0:
        raise ValueError('no person to take the mean body of')
    rotations = np.concatenate([people.global_orient[:, None], people.body_pose], axis=1)  # (N, 24, 3)
    mean = np.stack([Rotation.from_rotvec(joint).mean().as_rotvec() for joint in rotations.swapaxes(0, 1)])
    return BodyParameters(
        mean[None, 0], mean[None, 1:], people.betas.mean(0, keepdims=True), people.transl_mm.mean(0, keepdims=True)
    )


def mean_body_baseline(mean: BodyParameters, people: BodyParameters, orientation: str = 'mean') -> BodyParameters:
    """The mean body of a training set where the people of a test set truly stand: what a network must beat.

    Args:
        mean: From :func:`mean_body`.
        people: The true N people; only their translation is taken, and their orientation if told to.
        orientation: ``'mean'``: that of the mean body; ``'true'``: each person's own, a baseline that knows more. PA
            errors are the same for both.

    Returns:
        N people.

    Raises:
        ValueError: Another orientation.

    Example:
        >>> places = np.array([[0., 0, 9], [5, 0, 9]])
        >>> people = BodyParameters(np.ones((2, 3)), np.ones((2, 23, 3)), np.ones((2, 10)), places)
        >>> placed = mean_body_baseline(mean_body(people[:1]), people)
        >>> placed.transl_mm.tolist(), placed.betas.shape
        ([[0.0, 0.0, 9.0], [5.0, 0.0, 9.0]], (2, 10))
    """
    if orientation not in ('mean', 'true'):
        raise ValueError(f"orientation is 'mean' or 'true', not {orientation!r}")
    everybody = mean[np.zeros(len(people), int)]
    return BodyParameters(
        everybody.global_orient if orientation == 'mean' else people.global_orient,
        everybody.body_pose,
        everybody.betas,
        people.transl_mm,
    )
