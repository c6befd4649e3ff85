"""Who is to be found, and whose 2D keypoints count."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from das_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class AddPersonMarks(BaseTransform):
    """Labels for :class:`.CRMH`, before ``PackDASInputs``: ``is_target`` (N,) and ``keypoint_factor`` (N,), 0 or 1.

    Crowds and people who are no ground truth are no targets; a detector needs no root, so that people whose pelvis is
    out of the image are. In an image of one person whose labelled keypoints are fewer than ``min_keypoints`` none of
    them counts, as in the released code.
    """

    def __init__(self, min_keypoints: int = 8) -> None:
        self.min_keypoints = min_keypoints

    def transform(self, results: dict) -> dict:
        labelled = (results['keypoints_flags'] > 0).sum(1)
        factor = np.ones(len(labelled))
        if len(labelled) == 1 and labelled[0] < self.min_keypoints:
            factor[:] = 0
        results['extra_labels'] = {
            **results.get('extra_labels', {}),
            'is_target': results['is_valid'] & ~results['iscrowd'],
            'keypoint_factor': factor,
        }
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(min_keypoints={self.min_keypoints})'
