"""Which keypoints of a set are what to a fit: the torso, those to ignore, those that people annotated."""

from __future__ import annotations

from dataclasses import dataclass

from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS, KeypointSet, get_keypoint_set

#: hips first, then shoulders: segments of the torso are torso[i], torso[i + 2]
TORSO = ('right_hip', 'left_hip', 'right_shoulder', 'left_shoulder')


@dataclass(frozen=True)
class KeypointRoles:
    """Indices into the K keypoints of a fit.

    Attributes:
        annotated_torso: (4,) as :data:`TORSO`.
        detected_torso: (4,) the same of a detector's keypoints, or None.
        ignored: Of no weight in the body stage, where what they mean is not what the body's keypoint means.
        annotated: What the translation is solved from.
    """

    annotated_torso: tuple[int, ...]
    detected_torso: tuple[int, ...] | None
    ignored: tuple[int, ...]
    annotated: tuple[int, ...]

    @classmethod
    def spin49(cls) -> KeypointRoles:
        """SPIN's 49: OpenPose's 25, then 24 annotated ones. Ignored are OpenPose's neck and all four hips.

        Example:
            >>> KeypointRoles.spin49().ignored
            (1, 9, 12, 27, 28)
        """
        detected, annotated = KEYPOINT_SETS['openpose25'], KEYPOINT_SETS['gt24']
        first = detected.num_keypoints
        hips = TORSO[:2]
        return cls(
            annotated_torso=tuple(first + annotated.index(name) for name in TORSO),
            detected_torso=tuple(detected.index(name) for name in TORSO),
            ignored=(
                detected.index('neck'),
                *(detected.index(name) for name in hips),
                *(first + annotated.index(name) for name in hips),
            ),
            annotated=tuple(range(first, first + annotated.num_keypoints)),
        )

    @classmethod
    def of_set(cls, keypoint_set: str | KeypointSet) -> KeypointRoles:
        """Of a set with hips and shoulders of its own; nothing is ignored.

        Raises:
            UserError: The set has no hips or no shoulders.
        """
        kset = get_keypoint_set(keypoint_set)
        lacking = [name for name in TORSO if name not in kset.keypoints]
        if lacking:
            raise UserError(
                f'the keypoint set {kset.name!r} has no {", ".join(lacking)}, from which a fit finds the camera',
                field='keypoint_set',
                remedy='give keypoints of a set with hips and shoulders, such as coco17 or panoptic15',
            )
        torso = tuple(kset.index(name) for name in TORSO)
        return cls(torso, None, (), tuple(range(kset.num_keypoints)))
