from __future__ import annotations

import math

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from das_mm.registry import TRANSFORMS

from .geometry import MEAN_BGR, begin_geometry, check_size_options, keep_ratio_size, update_geometry, warp_image


@TRANSFORMS.register_module()
class DASRandomAffine(BaseTransform):
    """Resize, random scale, shift and rotation, and the cut to the network input: in ONE interpolation.

    The image is first fitted as :class:`.DASResize` would (centred on the canvas), then scaled about its centre, turned
    and shifted. Defaults are the paper's for Panoptic; for COCO it has scale 0.8–1.2 and rotation 0.15 rad.

    Args:
        input_size: (width, height) of the fixed canvas; or
        short_side_range: multi-scale training: the short side of the canvas is drawn from this range (ends included),
            its ratio is the image's. Paper: (512, 640).
        max_long_side: bounds the long side with ``short_side_range``.
        scale_range: Factor on the fitted size.
        translate_sigma: σ of the normal shift in x and y, in sides of the fitted image, cut at 2 σ.
        max_rotation_rad: The angle is uniform in ± this.
        border_bgr: Colour outside the image.
    """

    def __init__(
        self,
        input_size: tuple[int, int] | None = None,
        short_side_range: tuple[int, int] | None = None,
        max_long_side: int = 1333,
        scale_range: tuple[float, float] = (0.6, 1.4),
        translate_sigma: float = 0.15,
        max_rotation_rad: float = 0.0,
        border_bgr: tuple[int, int, int] = MEAN_BGR,
    ):
        check_size_options(input_size, short_side_range)
        self.input_size, self.short_side_range, self.max_long_side = input_size, short_side_range, max_long_side
        self.scale_range, self.translate_sigma = scale_range, translate_sigma
        self.max_rotation_rad, self.border_bgr = max_rotation_rad, tuple(border_bgr)

    @cache_randomness
    def _draw(self) -> tuple[float, np.ndarray, float]:
        """Scale factor, shift (x, y) in sides of the fitted image, angle in rad."""
        limit = 2 * self.translate_sigma
        shift = np.clip(np.random.normal(0, self.translate_sigma, 2), -limit, limit)
        return (
            np.random.uniform(*self.scale_range),
            shift,
            np.random.uniform(-self.max_rotation_rad, self.max_rotation_rad),
        )

    def transform(self, results: dict) -> dict:
        begin_geometry(results)
        height, width = results['img'].shape[:2]
        fitted = keep_ratio_size((width, height), self.input_size, self.short_side_range, self.max_long_side)
        canvas = fitted if self.input_size is None else (self.input_size[0], self.input_size[1])
        factor, shift, angle = self._draw()
        scale = factor * min(fitted[0] / width, fitted[1] / height)
        linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        target = (np.array(canvas) - 1) / 2 + shift * fitted
        warp = np.concatenate([linear, (target - linear @ ((width - 1) / 2, (height - 1) / 2))[:, None]], axis=1)
        results['img'] = warp_image(results['img'], warp, canvas, self.border_bgr)
        update_geometry(results, warp, canvas)
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(input_size={self.input_size}, short_side_range={self.short_side_range}, '
            f'scale_range={self.scale_range}, translate_sigma={self.translate_sigma}, '
            f'max_rotation_rad={self.max_rotation_rad})'
        )
