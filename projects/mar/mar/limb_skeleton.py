"""The limbs that part affinity fields run along, by the names of their keypoints (SMAP's skeleton).

Letters: K keypoints of a set, M limbs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import KeypointSet, get_keypoint_set

#: from, to, mean length mm; order and lengths are SMAP's
LIMBS = (
    ('neck', 'head', 264.0),
    ('neck', 'root', 484.0),
    ('neck', 'right_shoulder', 149.0),
    ('right_shoulder', 'right_elbow', 313.0),
    ('right_elbow', 'right_wrist', 239.0),
    ('neck', 'left_shoulder', 150.0),
    ('left_shoulder', 'left_elbow', 313.0),
    ('left_elbow', 'left_wrist', 239.0),
    ('root', 'right_hip', 125.0),
    ('right_hip', 'right_knee', 483.0),
    ('right_knee', 'right_ankle', 390.0),
    ('root', 'left_hip', 125.0),
    ('left_hip', 'left_knee', 482.0),
    ('left_knee', 'left_ankle', 390.0),
)
#: what a set may call a joint of that table, best first
_NAMES = dict(
    root=('mid_hip', 'pelvis'), neck=('neck', 'thorax', 'upper_neck'), head=('head_top', 'head_h36m', 'head', 'nose')
)


@dataclass(frozen=True)
class LimbSkeleton:
    """The limbs of a keypoint set.

    Attributes:
        keypoint_set: The set.
        root, neck: Indices of the ends of the torso.
        limbs: M (from, to) pairs of indices; a field points from the first to the second.
        lengths_mm: M mean lengths.
    """

    keypoint_set: KeypointSet
    root: int
    neck: int
    limbs: tuple[tuple[int, int], ...]
    lengths_mm: tuple[float, ...]

    @property
    def num_keypoints(self) -> int:
        return self.keypoint_set.num_keypoints

    @property
    def ends(self) -> np.ndarray:
        """(M, 2) int64, the same as :attr:`limbs`."""
        return np.asarray(self.limbs, np.int64)

    @cached_property
    def outward(self) -> tuple[tuple[int, int, int], ...]:
        """(limb, known keypoint, keypoint to find), from the root outward: neck, head, arms, legs."""
        order, reached, left = [], {self.root}, list(range(len(self.limbs)))
        while left:
            limb = next(one for one in left if reached & set(self.limbs[one]))
            start, end = self.limbs[limb] if self.limbs[limb][0] in reached else self.limbs[limb][::-1]
            order.append((limb, start, end))
            reached.add(end)
            left.remove(limb)
        return tuple(order)

    @cached_property
    def others(self) -> tuple[int, ...]:
        """The K - 1 keypoints that are not the root, in the set's order: rows of the offsets."""
        return tuple(index for index in range(self.num_keypoints) if index != self.root)


def limb_skeleton(keypoint_set: str | KeypointSet) -> LimbSkeleton:
    """The limbs of a set; keypoints that are in none of them are found by their offsets alone.

    Raises:
        UserError: The set lacks the end of a limb, or is not known.

    Example:
        >>> skeleton = limb_skeleton('panoptic15')
        >>> skeleton.root, skeleton.neck, len(skeleton.limbs), skeleton.outward[:2]
        (2, 0, 14, ((1, 2, 0), (0, 0, 1)))
    """
    kset = get_keypoint_set(keypoint_set, field='keypoint_set')

    def index(joint: str) -> int:
        for name in _NAMES.get(joint, (joint,)):
            if name in kset.keypoints:
                return kset.index(name)
        wanted = ' or '.join(_NAMES.get(joint, (joint,)))
        raise UserError(
            f'the keypoint set {kset.name} has no {joint} ({wanted}), where limbs end',
            field='keypoint_set',
            remedy='use a set with root, neck, head and all limbs: panoptic15_mpi, panoptic15, muco21, h36m17',
        )

    limbs = tuple((index(start), index(end)) for start, end, _ in LIMBS)
    return LimbSkeleton(kset, index('root'), index('neck'), limbs, tuple(length for _, _, length in LIMBS))
