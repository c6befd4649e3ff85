from __future__ import annotations

from mmcv.transforms import BaseTransform

from das_mm.registry import TRANSFORMS
from das_mm.structures.image_resize import SHRINK_INTERPOLATIONS, resize_image

from .geometry import begin_geometry, check_size_options, keep_ratio_size, update_geometry


@TRANSFORMS.register_module()
class DASResize(BaseTransform):
    """Resizes the image, its ratio kept; the data preprocessor pads right and below.

    Args:
        input_size: (width, height) that it must fit into; or
        short_side_range: (least, greatest) length of the short side, drawn anew for each image. Equal ends fix it.
        max_long_side: bounds the long side with ``short_side_range``.
        shrink_interpolation: ``'area'`` takes every pixel of a larger image into account; ``'bilinear'`` looks at two a
            side, as the released code (and mmcv) does. What is enlarged is always interpolated linearly.
    """

    def __init__(
        self,
        input_size: tuple[int, int] | None = None,
        short_side_range: tuple[int, int] | None = None,
        max_long_side: int = 1333,
        shrink_interpolation: str = 'area',
    ):
        check_size_options(input_size, short_side_range)
        if shrink_interpolation not in SHRINK_INTERPOLATIONS:
            raise ValueError(
                f'shrink_interpolation must be one of {list(SHRINK_INTERPOLATIONS)}, not {shrink_interpolation!r}'
            )
        self.shrink_interpolation = shrink_interpolation
        self.input_size, self.short_side_range, self.max_long_side = input_size, short_side_range, max_long_side

    def transform(self, results: dict) -> dict:
        begin_geometry(results)
        height, width = results['img'].shape[:2]
        size = keep_ratio_size((width, height), self.input_size, self.short_side_range, self.max_long_side)
        results['img'], warp = resize_image(results['img'], size, self.shrink_interpolation)
        update_geometry(results, warp, size)
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(input_size={self.input_size}, short_side_range={self.short_side_range}, '
            f'max_long_side={self.max_long_side})'
        )
