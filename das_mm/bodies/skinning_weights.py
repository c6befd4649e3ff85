"""Skinning weights, joint regressor, part labels and texture coordinates of the generated body.

Weights come from *shares*: s_k(v) in [0, 1] says how far vertex v follows joint k and all that hangs on it. A share
rises smoothly across a tilted plane at the joint; the weight of joint k is its own share less those of its children. So
each crease (groin, armpit, jaw …) lies where the table below puts it. Used when the template is made.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .skeleton import GROUND_Y_M, JOINT_NAMES, PARENTS, mirror_name, rest_joints

# joint: point on the plane (ground frame, m), normal towards the part that moves, where the share is 0 and 1 along it
_PLANES: dict[str, tuple[tuple[float, float, float], tuple[float, float, float], float, float]] = {
    'spine1': ((0, 1.040, 0), (0, 1, 0), -0.070, 0.060),
    'spine2': ((0, 1.150, 0), (0, 1, 0), -0.060, 0.060),
    'spine3': ((0, 1.235, 0), (0, 1, 0), -0.065, 0.065),
    'neck': ((0, 1.462, -0.03), (0, 1, -0.25), -0.045, 0.035),
    'head': ((0, 1.530, 0), (0, 0.90, 0.44), -0.055, 0.000),
    'left_collar': ((0.070, 1.375, 0), (0.92, 0.38, 0), -0.060, 0.060),
    'left_shoulder': ((0.170, 1.395, 0), (0.88, 0.47, 0), -0.060, 0.045),
    'left_elbow': ((0.425, 1.378, 0), (1, 0, 0), -0.045, 0.045),
    'left_wrist': ((0.668, 1.368, 0), (1, 0, 0), -0.035, 0.030),
    'left_hand': ((0.755, 1.362, 0), (1, 0, 0), -0.012, 0.018),
    'left_hip': ((0.080, 0.880, 0), (0.42, -0.91, 0), -0.075, 0.075),
    'left_knee': ((0.100, 0.478, 0), (0, -1, 0), -0.055, 0.055),
    'left_ankle': ((0.102, 0.080, -0.03), (0, -0.91, 0.41), -0.040, 0.012),
    'left_foot': ((0.112, 0.022, 0.095), (0, 0, 1), -0.020, 0.018),
}
# further conditions, each a list of alternatives, (axis, where the factor is 0, where 1), of which the largest counts
_GATES: dict[str, list[list[tuple[int, float, float]]]] = {
    'neck': [[(0, 0.125, 0.060)]],
    'left_shoulder': [[(0, 0.120, 0.200)]],
    'left_hip': [[(0, -0.012, 0.030)]],
    # between ribs and neck; farther out everything is arm
    'left_collar': [[(1, 1.250, 1.390), (0, 0.130, 0.200)], [(1, 1.480, 1.415), (0, 0.110, 0.170)]],
}

_SMOOTHING_STEPS = 4


def _rise(values: np.ndarray, zero: float, one: float) -> np.ndarray:
    t = np.clip((values - zero) / (one - zero), 0, 1)
    return t * t * (3 - 2 * t)


def _share(name: str, points: np.ndarray) -> np.ndarray:
    """Share of one joint of the midline or the left side, points in the ground frame."""
    point, normal, zero, one = _PLANES[name]
    normal = np.asarray(normal) / np.linalg.norm(normal)
    share = _rise((points - point) @ normal, zero, one)
    for alternatives in _GATES.get(name, []):
        places = np.abs(points) if name == 'neck' else points
        factors = [_rise(places[:, axis], at_zero, at_one) for axis, at_zero, at_one in alternatives]
        share = share * np.max(factors, axis=0)
    return share


def skinning_weights(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most four joints a vertex.

    Args:
        vertices: (V, 3) m, template frame.
        faces: (F, 3).

    Returns:
        joints (V, 4) uint8 and values (V, 4) uint8 whose rows sum to 255.
    """
    points = vertices - [0, GROUND_Y_M, 0]
    mirrored = points * [-1, 1, 1]
    shares = np.ones((len(points), 24))
    for joint, name in enumerate(JOINT_NAMES[1:], 1):
        left = mirror_name(name) if name.startswith('right_') else name
        # no joint moves what its parent does not move
        shares[:, joint] = shares[:, PARENTS[joint]] * _share(left, mirrored if name.startswith('right_') else points)
    weights = shares.copy()
    for joint in range(1, 24):
        weights[:, PARENTS[joint]] -= shares[:, joint]
    weights = np.maximum(weights, 0)
    average = _neighbour_average(faces, len(points))
    for _ in range(_SMOOTHING_STEPS):
        weights = 0.5 * weights + 0.5 * (average @ weights)
    return _four_largest(weights)


def _neighbour_average(faces: np.ndarray, num_vertices: int) -> sparse.csr_matrix:
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    matrix = sparse.csr_matrix((np.ones(len(pairs)), pairs.T), (num_vertices,) * 2)
    matrix = ((matrix + matrix.T) > 0).astype(float)
    return sparse.diags(1 / np.asarray(matrix.sum(axis=1)).ravel()) @ matrix


def _four_largest(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-weights, axis=1, kind='stable')[:, :5]
    values = np.take_along_axis(weights, order, axis=1)
    # on the midline left and right weigh the same: rather neither than one of them
    values[np.isclose(values[:, 3], values[:, 4], atol=1e-9), 3] = 0
    joints, values = order[:, :4], values[:, :4]
    values = np.round(255 * values / values.sum(axis=1, keepdims=True)).astype(int)
    values[:, 0] += 255 - values.sum(axis=1)  # the largest takes what rounding left over
    return joints.astype(np.uint8), values.astype(np.uint8)


def expand_weights(joints: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Stored weights -> dense (V, 24) float64 with rows that sum to 1."""
    weights = np.zeros((len(joints), 24))
    np.add.at(weights, (np.arange(len(joints))[:, None], joints), values / 255.0)
    return weights


def joint_regressor(vertices: np.ndarray, shapedirs: np.ndarray, joint_dirs: np.ndarray) -> np.ndarray:
    """Non-negative rows that give the rest joints, also when the shape changes.

    Args:
        vertices: (V, 3) m.
        shapedirs: (V, 3, B), joint_dirs: (24, 3, B) how the joints should follow the same betas.

    Returns:
        (24, V), rows sum to 1; found by non-negative least squares among the vertices around each joint.
    """
    from scipy.optimize import nnls  # half a second of imports, for the maker of the stored body alone

    regressor = np.zeros((24, len(vertices)))
    for joint, place in enumerate(rest_joints()):
        near = np.argsort(np.linalg.norm(vertices - place, axis=1), kind='stable')[:240]
        # rows: the place, its change with each beta, and the sum of the weights
        matrix = np.concatenate(
            [
                vertices[near].T,
                np.moveaxis(shapedirs[near], 0, -1).reshape(-1, len(near)),
                np.full((1, len(near)), 10.0),
            ]
        )
        wanted = np.concatenate([place, joint_dirs[joint].reshape(-1), [10.0]])
        regressor[joint, near] = nnls(matrix, wanted, maxiter=10000)[0]
    return regressor / regressor.sum(axis=1, keepdims=True)


_PART_OF_JOINT = {
    'pelvis': 'pelvis',
    'spine1': 'abdomen',
    'spine2': 'abdomen',
    'spine3': 'chest',
    'neck': 'neck',
    'head': 'face',
    'collar': 'chest',
    'shoulder': 'upper_arm',
    'elbow': 'forearm',
    'wrist': 'hand',
    'hand': 'hand',
    'hip': 'thigh',
    'knee': 'shank',
    'ankle': 'foot',
    'foot': 'foot',
}


def part_labels(vertices: np.ndarray, weights: np.ndarray, part_names: tuple[str, ...]) -> np.ndarray:
    """(V,) uint8 index into ``part_names``: the part of the joint with the largest weight, hair apart from the face."""
    parts = []
    for name in JOINT_NAMES:
        side, _, bare = name.partition('_') if '_' in name else ('', '', name)
        part = _PART_OF_JOINT[bare]
        parts.append(part_names.index(part if part in part_names else f'{side}_{part}'))
    labels = np.asarray(parts, np.uint8)[weights.argmax(axis=1)]
    points = vertices - [0, GROUND_Y_M, 0]
    # the hair line: above the forehead, down behind the ears to the nape
    hair = (points[:, 1] - 1.650) - 1.15 * (points[:, 2] - 0.055) > 0
    low = points[:, 1] < 1.52
    labels[(labels == part_names.index('face')) & hair & ~low] = part_names.index('hair')
    return labels


def texture_coordinates(vertices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(V, 2) in [0, 1]: angle around the bone of the main joint, and the place along the limb.

    Torso and legs: the angle about the vertical with its seam at the back, v is the height over the ground / 1.8 m.
    Arms: the angle about the x axis with its seam underneath, v is the distance from the midline / 1.8 m.
    """
    joints = rest_joints()
    main = weights.argmax(axis=1)
    names = np.array(JOINT_NAMES)[main]
    is_arm = np.isin([name.rpartition('_')[2] for name in names], ('shoulder', 'elbow', 'wrist', 'hand'))
    is_leg = np.isin([name.rpartition('_')[2] for name in names], ('hip', 'knee', 'ankle', 'foot'))
    centre = np.where(is_leg[:, None] | is_arm[:, None], joints[main], [0, 0, -0.01])
    d = vertices - centre
    angle = np.where(is_arm, np.arctan2(d[:, 2], d[:, 1]), np.arctan2(d[:, 0], d[:, 2]))
    along = np.where(is_arm, np.abs(vertices[:, 0]), vertices[:, 1] - GROUND_Y_M) / 1.8
    return np.stack([angle / (2 * np.pi) + 0.5, np.clip(along, 0, 1)], axis=1)
