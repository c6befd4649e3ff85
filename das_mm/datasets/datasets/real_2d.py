"""The data sets of photographs, labelled in 2D only: COCO and CrowdPose in their own files, others as converted.

Depth is not known of anyone in them, and never trained. Each names the keypoints of its own files and learns them
unless told otherwise; with another set (``keypoint_set='panoptic15'``) they are carried over by name.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from das_mm.registry import DATASETS

from .das_dataset import DASDataset

# CrowdPose labels no segments; its evaluation takes this share of the box for the area of a person
_CROWDPOSE_AREA_SHARE = 0.53


@DATASETS.register_module()
class DASCocoDataset(DASDataset):
    """COCO keypoints, official files as they are.

    In training very small people are ignored, as are those with a hip that is not labelled (:class:`.PackDASInputs`:
    they have no root). The released code of the paper leaves the former to the background instead, and drops images of
    fewer than six labelled keypoints, which ``filter_cfg=dict(min_labelled_keypoints_per_image=6)`` would do here.

    Args:
        min_box_side_px: Least width and height of the box of a person who is learnt, in the stored image.
        min_area_px: Least area of the person's segment.
        **kwargs: What :class:`DASDataset` takes.
    """

    NATIVE_SET = 'coco17'

    def __init__(self, *args, min_box_side_px: float = 2.0, min_area_px: float = 64.0, **kwargs):
        self.min_box_side_px, self.min_area_px = min_box_side_px, min_area_px
        super().__init__(*args, **kwargs)

    def valid_people(self, people: Mapping[str, np.ndarray]) -> np.ndarray:
        valid = super().valid_people(people)
        if self.test_mode:
            return valid
        sides = people['bbox'][:, 2:] - people['bbox'][:, :2]
        return valid & (sides >= self.min_box_side_px).all(axis=1) & (people['area'] >= self.min_area_px)


@DATASETS.register_module()
class DASCrowdPoseDataset(DASDataset):
    """CrowdPose, official files as they are. The area of a person is 0.53 of the box, as its evaluation has it."""

    NATIVE_SET = 'crowdpose14'

    def adapt(self, record: dict) -> None:
        super().adapt(record)
        sides = record['bbox'][:, 2:] - record['bbox'][:, :2]
        record['area'] = _CROWDPOSE_AREA_SHARE * sides.prod(axis=1)


class _NotEveryoneDataset(DASDataset):
    """Photographs with more people in them than are labelled.

    Args:
        ignore_background: In training, what belongs to nobody labelled is not taught to be background: the whole image
            is an ignore region, and only the points assigned to labelled people learn. Off, it is taught, but for what
            a head with ``targets=dict(unlabelled_confidence=…)`` takes for people.
        **kwargs: What :class:`DASDataset` takes.
    """

    def __init__(self, *args, ignore_background: bool = True, **kwargs):
        self.ignore_background = ignore_background
        super().__init__(*args, **kwargs)

    def adapt(self, record: dict) -> None:
        super().adapt(record)
        record['everyone_labelled'] = False
        if self.ignore_background and not self.test_mode:
            right, bottom = record['ori_shape'][1] - 0.5, record['ori_shape'][0] - 0.5
            image = np.array([(-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom)], dtype=np.float32)
            record['ignore_regions'] = [*record['ignore_regions'], image]


@DATASETS.register_module()
class DASMPIIDataset(_NotEveryoneDataset):
    """MPII Human Pose."""

    NATIVE_SET = 'mpii16'


@DATASETS.register_module()
class DASLSPDataset(_NotEveryoneDataset):
    """Leeds Sports Poses: one labelled person an image."""

    NATIVE_SET = 'lsp14'


@DATASETS.register_module()
class DASLSPETDataset(_NotEveryoneDataset):
    """Leeds Sports Poses, extended training set: one person an image, not every joint labelled."""

    NATIVE_SET = 'lsp14'


@DATASETS.register_module()
class DASUP3DDataset(_NotEveryoneDataset):
    """UP-3D: one labelled person an image, with SMPL's parameters and without a camera."""

    NATIVE_SET = 'lsp14'
