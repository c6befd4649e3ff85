"""Occlusion by noise and change of colour, as the released code of RLE has them for Human3.6M."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from das_mm.registry import TRANSFORMS

_ATTEMPTS = 100


@TRANSFORMS.register_module()
class NoiseRectangle(BaseTransform):
    """A rectangle of white noise over a part of the person's box, in every image (not mentioned in the paper).

    Its area is U(0, max_area) of the box, its height over its width U(0.3, 1/0.3); it lies in the image, and in the box
    unless it is larger than that on one side. It comes before the crop. The released code draws until a rectangle fits;
    here an image of which none of a hundred does is left as it is.

    Args:
        max_area: Largest share of the box.
    """

    def __init__(self, max_area: float = 0.7):
        self.max_area = max_area

    def transform(self, results: dict) -> dict:
        height, width = results['img'].shape[:2]
        left, top, right, bottom = np.asarray(results['bbox'], dtype=np.float64).reshape(-1)[:4]
        for _ in range(_ATTEMPTS):
            area = np.random.uniform(0, self.max_area) * (right - left) * (bottom - top)
            ratio = np.random.uniform(0.3, 1 / 0.3)
            h, w = np.sqrt(area * ratio), np.sqrt(area / ratio)
            x = np.random.random() * (right - left - w - 1) + left
            y = np.random.random() * (bottom - top - h - 1) + top
            if x >= 0 and y >= 0 and x + w < width and y + h < height:
                x, y, w, h = int(x), int(y), int(w), int(h)
                image = results['img'].copy()
                image[y : y + h, x : x + w] = np.random.random((h, w, 3)) * 255
                results['img'] = image
                break
        return results


@TRANSFORMS.register_module()
class ChannelJitter(BaseTransform):
    """Every colour channel of the crop times its own U(1 - factor, 1 + factor).

    Args:
        factor: 0.2 for RLE.
    """

    def __init__(self, factor: float = 0.2):
        self.factor = factor

    def transform(self, results: dict) -> dict:
        gains = np.random.uniform(1 - self.factor, 1 + self.factor, size=3)
        results['img'] = np.clip(results['img'] * gains, 0, 255).astype(results['img'].dtype)
        return results
