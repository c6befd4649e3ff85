from __future__ import annotations

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from das_mm.registry import TRANSFORMS
from das_mm.structures import get_keypoint_set

from .geometry import begin_geometry, update_geometry

# arrays whose second axis is the keypoint
_PER_KEYPOINT = ('keypoints', 'keypoints_flags', 'keypoints_3d', 'keypoints_3d_valid')


@TRANSFORMS.register_module()
class DASRandomFlip(BaseTransform):
    """Mirrors the image: x of pixels and of camera space, the principal point, and the names of the sides.

    Args:
        prob: Probability.
    """

    def __init__(self, prob: float = 0.5):
        if not 0 <= prob <= 1:
            raise ValueError(f'prob is a probability, got {prob}')
        self.prob = prob

    @cache_randomness
    def _draw(self) -> bool:
        return np.random.rand() < self.prob

    def transform(self, results: dict) -> dict:
        begin_geometry(results)
        if not self._draw():
            return results
        height, width = results['img'].shape[:2]
        results['img'] = cv2.flip(results['img'], 1)
        update_geometry(results, np.array([[-1.0, 0, width - 1], [0, 1, 0]]), (width, height))
        results['flip'] = not results['flip']
        if 'keypoints' in results:
            order = list(get_keypoint_set(results['keypoint_set']).flip_indices)
            for key in _PER_KEYPOINT:
                results[key] = results[key][:, order]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob})'
