"""The released code's way of counting pixels."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from das_mm.registry import TRANSFORMS

from .geometry import begin_geometry, update_geometry


@TRANSFORMS.register_module()
class CornerOrigin(BaseTransform):
    """Counts the labels' pixels from the image's corner, not from the centre of its first pixel.

    The released code scales labels by the factor of the image alone (``x' = s x``) and puts the points of a level at
    ``(i + 0.5) * stride``: a label's number is a distance from the corner. The image stays; truth moves by half a
    pixel of the image before it, to the left and up, and results, which go back by the same map, to the right and down.
    What was learnt with this step needs it for ever; nothing else should have it.

    It stands behind the step that resizes, and before a mirror.
    """

    def transform(self, results: dict) -> dict:
        begin_geometry(results)
        height, width = results['img'].shape[:2]
        half = results['warp_mat'][:, :2] @ (0.5, 0.5)
        update_geometry(results, np.array([[1, 0, -half[0]], [0, 1, -half[1]]]), (width, height))
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
