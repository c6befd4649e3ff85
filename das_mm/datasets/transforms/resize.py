from __future__ import annotations

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from das_mm.registry import TRANSFORMS

from .geometry import begin_geometry, check_size_options, keep_ratio_size, update_geometry


@TRANSFORMS.register_module()
class DASResize(BaseTransform):
    """Resizes the image, its ratio kept; the data preprocessor pads right and below.

    Args:
        input_size: (width, height) that it must fit into; or
        short_side_range: (least, greatest) length of the short side, drawn anew for each image. Equal ends fix it.
        max_long_side: bounds the long side with ``short_side_range``.
    """

    def __init__(self, input_size: tuple[int, int] | None = None, short_side_range: tuple[int, int] | None = None,
                 max_long_side: int = 1333):
        check_size_options(input_size, short_side_range)
        self.input_size, self.short_side_range, self.max_long_side = input_size, short_side_range, max_long_side

    def transform(self, results: dict) -> dict:
        begin_geometry(results)
        height, width = results['img'].shape[:2]
        size = keep_ratio_size((width, height), self.input_size, self.short_side_range, self.max_long_side)
        if size != (width, height):
            shrinks = size[0] < width
            results['img'] = cv2.resize(results['img'], size,
                                        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        # rounding makes the two factors differ a little: the exact ones are used
        sx, sy = size[0] / width, size[1] / height
        update_geometry(results, np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2]]), size)
        return results

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(input_size={self.input_size}, short_side_range={self.short_side_range}, '
                f'max_long_side={self.max_long_side})')
