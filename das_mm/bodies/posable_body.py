"""What inference asks of a body, in numpy or torch; nothing is loaded for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from das_mm.errors import UserError

if TYPE_CHECKING:
    from scipy import sparse


class PosableBody(Protocol):
    """A body in SMPL's format.

    Attributes:
        name: What results call it: 'generated', or the sha256 of its file.
        faces: (F, 3) vertex indices; an array or a tensor.
        num_vertices: V.
    """

    name: str
    faces: Any
    num_vertices: int

    def posed(self, axis_angle: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rotations (n, 24, 3) rad and shapes (n, B) to vertices (n, V, 3) and joints (n, 24, 3), m, untranslated."""
        ...

    def posed_joints(self, axis_angle: np.ndarray, betas: np.ndarray) -> np.ndarray:
        """The joints alone, at a hundredth of the cost."""
        ...

    def keypoint_matrix(self, names: Sequence[str]) -> sparse.csr_matrix:
        """(K, V + 24): keypoints out of vertices and joints one after the other."""
        ...


def body_roots_mm(body: PosableBody, root: Sequence[str], axis_angle: np.ndarray, betas: np.ndarray) -> np.ndarray:
    """(n, 3) where the roots of posed bodies lie before they are moved, mm, float64.

    Args:
        body: The body.
        root: Keypoints of it whose mean is the root.
        axis_angle: (n, 24, 3) rad. betas: (n, B).
    """
    row = np.asarray(body.keypoint_matrix(root).mean(axis=0))[0]  # (V + 24,)
    axis_angle, betas = np.asarray(axis_angle, np.float64), np.asarray(betas, np.float64)
    of_joints = row[body.num_vertices :]
    if not row[: body.num_vertices].any():  # hips, of every set so far
        return 1000 * np.einsum('j,njc->nc', of_joints, body.posed_joints(axis_angle, betas))
    vertices, joints = body.posed(axis_angle, betas)
    return 1000 * np.einsum('v,nvc->nc', row, np.concatenate([vertices, joints], axis=1, dtype=np.float64))


def surface_keypoints(body: PosableBody, names: Sequence[str], vertices: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(n, K, 3) keypoints of posed bodies, in the unit and frame of what is given; all NaN where bodies lack a name.

    Args:
        body: The body.
        names: K names.
        vertices: (n, V, 3). joints: (n, 24, 3).
    """
    try:
        matrix = body.keypoint_matrix(names)
    except (KeyError, UserError):
        return np.full((len(vertices), len(names), 3), np.nan, np.float32)
    needed = np.unique(matrix.indices)  # a few dozen of the thousands of columns
    points = np.concatenate([vertices, joints], axis=1)[:, needed]
    return np.einsum('kc,ncd->nkd', matrix[:, needed].toarray(), points).astype(np.float32)
