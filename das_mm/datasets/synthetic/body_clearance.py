"""Whether bodies run into each other: bones as chains of balls."""

from __future__ import annotations

import numpy as np

from das_mm.bodies import JOINT_NAMES, PARENTS

_STEPS = np.array([0, 0.25, 0.5, 0.75, 1])[:, None, None]
# thickness of the flesh around the bone that ends in a joint, m (clothes included)
_RADIUS_M = {
    'spine': 0.13,
    'hip': 0.11,
    'knee': 0.085,
    'ankle': 0.06,
    'foot': 0.05,
    'neck': 0.09,
    'head': 0.10,
    'collar': 0.09,
    'shoulder': 0.08,
    'elbow': 0.06,
    'wrist': 0.05,
    'hand': 0.05,
}
_RADII = np.array([_RADIUS_M[name.split('_')[-1].rstrip('123')] for name in JOINT_NAMES[1:]])
_PARENTS = np.array(PARENTS[1:])


def body_balls(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres (N, 3) and radii (N,) m of balls along the bones of ``joints`` (24, 3)."""
    starts, ends = joints[_PARENTS], joints[1:]
    centres = (starts + _STEPS * (ends - starts)).reshape(-1, 3)
    # the skull reaches beyond its joint
    crown = joints[15] + 0.12 * (joints[15] - joints[12]) / max(np.linalg.norm(joints[15] - joints[12]), 1e-6)
    return np.concatenate([centres, crown[None]]), np.concatenate([np.tile(_RADII, len(_STEPS)), [0.10]])


def gap_m(joints: np.ndarray, others: np.ndarray) -> float:
    """Smallest distance between the surfaces of two bodies (24, 3) m; negative where they run into each other."""
    if np.linalg.norm(joints[0] - others[0]) > 2.6:  # farther than two stretched arms
        return float(np.linalg.norm(joints[0] - others[0]) - 2.2)
    (a, radius_a), (b, radius_b) = body_balls(joints), body_balls(others)
    distances = np.linalg.norm(a[:, None] - b[None], axis=-1) - radius_a[:, None] - radius_b[None]
    return float(distances.min())
