"""The joint supersets of HMR's family as linear maps of a body's vertices and joints.

SMPL's 24 joints, 21 picked vertices (SMPL's indices, as ``smplx`` picks them) and nine regressed joints make 54 points;
each superset is a list of those. What is measured by Human3.6M's regressor (``j14``, ``j17``, ``lsp14``, ``h36m17``)
takes its rows by name. Letters: K keypoints, V = 6890.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy import sparse

from das_mm.errors import UserError
from das_mm.structures.keypoint_conversion import convert_indices
from das_mm.structures.keypoint_sets import KEYPOINT_SETS

from .joint_regressors import FACE_ROWS, REGRESSOR_ROWS, Surface, load_face_rows, load_joint_regressor
from .landmarks import LANDMARKS
from .skeleton import JOINT_NAMES

_FEET = ('left_big_toe', 'left_small_toe', 'left_heel', 'right_big_toe', 'right_small_toe', 'right_heel')
_FINGERS = tuple(
    f'{side}_{finger}' for side in ('left', 'right') for finger in ['thumb', 'index', 'middle', 'ring', 'pinky']
)
#: points 24 to 44: vertices of the surface
PICKED_VERTICES = (*FACE_ROWS, *_FEET, *_FINGERS)

# indices into joints, picked vertices and rows of `extra`
_OPENPOSE25 = (24, 12, 17, 19, 21, 16, 18, 20, 0, 2, 5, 8, 1, 4, 7, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34)
_GT24 = (8, 5, 45, 46, 4, 7, 21, 19, 17, 16, 18, 20, 47, 48, 49, 50, 51, 52, 53, 24, 26, 25, 28, 27)

#: superset -> indices into the 54 points; ``prohmr44`` has only its first 25 from there
SUPERSET_POINTS: dict[str, tuple[int, ...]] = {
    'smpl24': tuple(range(len(JOINT_NAMES))),
    'openpose25': _OPENPOSE25,
    'gt24': _GT24,
    'j24': _GT24,
    'spin49': _OPENPOSE25 + _GT24,
    'prohmr44': _OPENPOSE25,
}


def superset_matrix(
    keypoint_set: str, surface: Surface, regressors: Mapping[str, str | Path | None] | None = None
) -> sparse.csr_matrix:
    """The joints of a set out of vertices and the 24 kinematic joints one after the other.

    Args:
        keypoint_set: One of :data:`SUPERSET_POINTS`, or a set that Human3.6M's regressor has all of.
        surface: The body.
        regressors: Files by kind ('h36m', 'extra', 'j19'); stand-ins where there is none.

    Returns:
        (K, V + 24).

    Raises:
        UserError: The set is unknown here, or a regressor that it needs is missing or unfit.
    """
    files = dict(regressors or {})
    num_vertices, num_joints = len(surface.v_template), len(JOINT_NAMES)
    if keypoint_set not in SUPERSET_POINTS:
        rows = _h36m_rows(keypoint_set)
        return _on_vertices(load_joint_regressor('h36m', files.get('h36m'), surface)[rows])
    indices = np.array(SUPERSET_POINTS[keypoint_set])
    picked = np.zeros((len(PICKED_VERTICES), num_vertices))
    picked[np.arange(len(picked)), [next(iter(LANDMARKS[name])) for name in PICKED_VERTICES]] = 1
    extra = np.zeros((len(REGRESSOR_ROWS['extra']), num_vertices))
    if indices.max() >= num_joints + len(PICKED_VERTICES):
        extra = load_joint_regressor('extra', files.get('extra'), surface)
        picked[: len(FACE_ROWS)] = load_face_rows(files.get('extra'))
    joints = sparse.hstack([sparse.csr_matrix((num_joints, num_vertices)), sparse.eye(num_joints)])
    points = sparse.csr_matrix(sparse.vstack([joints, _on_vertices(np.concatenate([picked, extra]))]))
    chosen = points[indices]
    if keypoint_set == 'prohmr44':
        j19 = load_joint_regressor('j19', files.get('j19'), surface)
        chosen = sparse.vstack([chosen, _on_vertices(j19)])
    return sparse.csr_matrix(chosen)


def _h36m_rows(keypoint_set: str) -> np.ndarray:
    rows = convert_indices('h36m17_left', keypoint_set) if keypoint_set in KEYPOINT_SETS else np.array([-1])
    if (rows < 0).any():
        known = [*SUPERSET_POINTS, 'j14', 'j17', 'lsp14', 'h36m17', 'h36m17_left']
        raise UserError(
            f'the body has no joints of the set {keypoint_set!r}',
            field='keypoint_set',
            remedy=f'use one of {", ".join(known)}',
        )
    return rows


def _on_vertices(rows: np.ndarray) -> sparse.csr_matrix:
    """(R, V) -> (R, V + 24)."""
    return sparse.csr_matrix(np.concatenate([rows, np.zeros((len(rows), len(JOINT_NAMES)))], axis=1))
