"""From a person's box to the centre and size of the crop."""

from __future__ import annotations

import numpy as np
from mmpose.datasets.transforms import GetBBoxCenterScale

from das_mm.errors import UserError
from das_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PersonBox(GetBBoxCenterScale):
    """mmpose's ``GetBBoxCenterScale`` that says which box is none.

    Args:
        padding: Crop size per box size: 1.25 on COCO and MPII, 1.0 on Human3.6M (released code).

    Raises:
        UserError: A box without area, not finite, or that has nothing of the image.
    """

    def transform(self, results: dict) -> dict | None:
        boxes = np.asarray(results['bbox'], dtype=np.float64).reshape(-1, 4)
        height, width = results['img_shape'][:2]
        inside = np.minimum(boxes[:, 2:], [width - 1, height - 1]) - np.maximum(boxes[:, :2], 0)
        sound = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1) & (inside > 0).all(axis=1)
        if not sound.all():
            box = ', '.join(f'{value:g}' for value in boxes[~sound][0])
            raise UserError(
                f'the box [{box}] (x1, y1, x2, y2 px) has nothing of the image of {width}×{height} px',
                file=results.get('img_path'),
                field='bbox',
                remedy='give boxes in px of the image, and none without width and height',
            )
        return super().transform(results)
