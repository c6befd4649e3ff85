"""Random size and rotation of the crop, as the released code of RLE draws them."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from das_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CropJitter(BaseTransform):
    """Multiplies ``bbox_scale`` and sets ``bbox_rotation``.

    ================  ============================  ================================================
    law               size                          rotation in degrees
    ================  ============================  ================================================
    'uniform' (COCO)  U(1 - s, 1 + s)               U(-r, r), with the probability; else 0
    'normal' (H36M)   N(1, s) clipped to 1 ± s      N(0, r) clipped to ±2r, with the probability
    ================  ============================  ================================================

    Args:
        scale: s.
        rotation_deg: r.
        rotation_prob: The probability.
        law: See above.
    """

    def __init__(self, scale: float, rotation_deg: float, rotation_prob: float, law: str = 'uniform'):
        if law not in ('uniform', 'normal'):
            raise ValueError(f"law is 'uniform' or 'normal', not {law!r}")
        self.scale, self.rotation_deg, self.rotation_prob, self.law = scale, rotation_deg, rotation_prob, law

    def transform(self, results: dict) -> dict:
        if self.law == 'uniform':
            factor = np.random.uniform(1 - self.scale, 1 + self.scale)
            angle = np.random.uniform(-self.rotation_deg, self.rotation_deg)
        else:
            factor = np.clip(np.random.normal(1, self.scale), 1 - self.scale, 1 + self.scale)
            angle = np.clip(np.random.normal(0, self.rotation_deg), -2 * self.rotation_deg, 2 * self.rotation_deg)
        if np.random.random() > self.rotation_prob:
            angle = 0.0
        results['bbox_scale'] = results['bbox_scale'] * factor
        results['bbox_rotation'] = np.full(len(results['bbox_scale']), angle, dtype=np.float32)
        return results
