"""The joints that ProSkeleton reads and tells, by name, and where they stand in other keypoint sets.

Both lists are of the 24 annotated joints of HMR's family (``gt24``): 17 in the image, of which the pelvis is left out
in space, where it is the origin. People are told in the set ``j17``, which has the same 17 in another order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from das_mm.structures import KEYPOINT_SETS, KeypointSet, get_keypoint_set

_GT24 = KEYPOINT_SETS['gt24'].keypoints
ROOT = 'pelvis'
#: 17 joints in the image, in the order of the network's input
INPUT_JOINTS: tuple[str, ...] = tuple(_GT24[row] for row in (*range(13), 14, 16, 17, 18))
#: 16 joints about the pelvis, in the order of the network's output
OUTPUT_JOINTS: tuple[str, ...] = tuple(_GT24[row] for row in (*range(13), 16, 17, 18))
#: arms and legs, of which none can be guessed from others
LIMBS: tuple[str, ...] = _GT24[:12]
#: the set of what is told
SKELETON = 'j17'


def rows_of(joints: Sequence[str], keypoint_set: str | KeypointSet = SKELETON) -> list[int]:
    """Where joints stand in a set; ValueError if it lacks one.

    Example:
        >>> rows_of(('neck', 'pelvis'), 'gt24')
        [12, 14]
    """
    kset = get_keypoint_set(keypoint_set)
    return [kset.index(name) for name in joints]


def with_root(points: np.ndarray) -> np.ndarray:
    """Output joints (*, 16, 3) about the pelvis to those of ``j17`` (*, 17, 3), the pelvis at the origin.

    Example:
        >>> with_root(np.ones((16, 3)))[KEYPOINT_SETS['j17'].index('pelvis')]
        array([0., 0., 0.])
    """
    out = np.zeros((*points.shape[:-2], len(KEYPOINT_SETS[SKELETON].keypoints), 3), points.dtype)
    out[..., rows_of(OUTPUT_JOINTS), :] = points
    return out
