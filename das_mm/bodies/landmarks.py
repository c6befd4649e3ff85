"""Keypoints of a body: each a fixed linear combination of its vertices and joints.

Linear, so that gradients flow through them and one sparse matrix serves numpy and torch alike. Single vertices are
picked by SMPL's own indices (the list ``smplx`` uses for OpenPose joints); the generated body has its nose, ears, toes
… at the same indices, so that the same table serves the licensed model.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .body_model import BodyModel
from .skeleton import JOINT_INDEX

#: surface point -> {vertex index: weight}
LANDMARKS: dict[str, dict[int, float]] = {
    'nose': {332: 1.0},
    'left_eye': {2800: 1.0},
    'right_eye': {6260: 1.0},
    'left_ear': {583: 1.0},
    'right_ear': {4071: 1.0},
    'head_top': {411: 1.0},
    'jaw': {3052: 1.0},
    'left_big_toe': {3216: 1.0},
    'left_small_toe': {3226: 1.0},
    'left_heel': {3387: 1.0},
    'right_big_toe': {6617: 1.0},
    'right_small_toe': {6624: 1.0},
    'right_heel': {6787: 1.0},
    'left_thumb': {2746: 1.0},
    'left_index': {2319: 1.0},
    'left_middle': {2445: 1.0},
    'left_ring': {2556: 1.0},
    'left_pinky': {2673: 1.0},
    'right_thumb': {6191: 1.0},
    'right_index': {5782: 1.0},
    'right_middle': {5905: 1.0},
    'right_ring': {6016: 1.0},
    'right_pinky': {6133: 1.0},
}

_SAME_AS_JOINT = ('shoulder', 'elbow', 'wrist', 'hand', 'hip', 'knee', 'ankle')

# Keypoint -> {joint or surface point: weight}. Where sets differ in what they call a joint, the usual reading is taken:
# H36M's, MuPoTS's and Panoptic's pelvis is the middle of the hips; MPII's thorax the middle of the shoulders.
_KEYPOINTS: dict[str, dict[str, float]] = {
    **{name: {name: 1.0} for name in LANDMARKS},
    **{f'{side}_{part}': {f'{side}_{part}': 1.0} for part in _SAME_AS_JOINT for side in ('left', 'right')},
    'left_toe': {'left_big_toe': 0.5, 'left_small_toe': 0.5},
    'right_toe': {'right_big_toe': 0.5, 'right_small_toe': 0.5},
    'mid_hip': {'left_hip': 0.5, 'right_hip': 0.5},
    'pelvis': {'left_hip': 0.5, 'right_hip': 0.5},
    'thorax': {'left_shoulder': 0.5, 'right_shoulder': 0.5},
    'neck': {'left_shoulder': 0.25, 'right_shoulder': 0.25, 'neck': 0.5},
    'upper_neck': {'neck': 0.5, 'head': 0.5},
    'head_bottom': {'neck': 0.5, 'head': 0.5},
    'spine': {'spine1': 0.5, 'spine2': 0.5},
    'torso': {'spine1': 0.5, 'spine2': 0.5},
    'head': {'head': 0.5, 'head_top': 0.5},
    'head_h36m': {'head_top': 1.0},
    # the kinematic joints whose names other skeletons use for something else, and those no other skeleton has
    'smpl_pelvis': {'pelvis': 1.0},
    'smpl_neck': {'neck': 1.0},
    'smpl_head': {'head': 1.0},
    **{
        name: {name: 1.0}
        for name in ('spine1', 'spine2', 'spine3', 'left_collar', 'right_collar', 'left_foot', 'right_foot')
    },
}

#: every name ``keypoints_from_body`` gives
KEYPOINT_NAMES: tuple[str, ...] = tuple(_KEYPOINTS)


def keypoint_matrix(names: tuple[str, ...] = KEYPOINT_NAMES, num_vertices: int = 6890) -> sparse.csr_matrix:
    """The linear map behind the keypoints.

    Args:
        names: K names out of ``KEYPOINT_NAMES``.
        num_vertices: V.

    Returns:
        (K, V + 24) with rows that sum to 1; multiply it with vertices and joints concatenated, (V + 24, 3).

    Raises:
        KeyError: for a name that is no keypoint of the body.
    """
    rows, columns, values = [], [], []
    for row, name in enumerate(names):
        if name not in _KEYPOINTS:
            raise KeyError(f'{name!r} is no keypoint of the body; known are {", ".join(KEYPOINT_NAMES)}')
        for part, part_weight in _KEYPOINTS[name].items():
            # a part that is both a joint and a keypoint (neck, head) means the joint
            terms = {num_vertices + JOINT_INDEX[part]: 1.0} if part in JOINT_INDEX else LANDMARKS[part]
            for column, weight in terms.items():
                rows.append(row)
                columns.append(column)
                values.append(part_weight * weight)
    return sparse.csr_matrix((values, (rows, columns)), shape=(len(names), num_vertices + len(JOINT_INDEX)))


def keypoints_from_body(body: BodyModel, vertices: np.ndarray, joints: np.ndarray) -> dict[str, np.ndarray]:
    """Keypoints of N posed bodies.

    Args:
        body: The model the vertices belong to.
        vertices: (N, V, 3), any unit and frame.
        joints: (N, 24, 3), the same unit and frame.

    Returns:
        name -> (N, 3) for every name in ``KEYPOINT_NAMES``, float64.
    """
    matrix = keypoint_matrix(num_vertices=len(body.v_template))
    points = np.concatenate([vertices, joints], axis=1, dtype=np.float64)  # (N, V + 24, 3)
    needed = np.unique(matrix.indices)  # a few dozen of the thousands of columns
    keypoints = np.einsum('kc,ncd->nkd', matrix[:, needed].toarray(), points[:, needed])
    return {name: keypoints[:, index] for index, name in enumerate(KEYPOINT_NAMES)}
