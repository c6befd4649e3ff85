"""Which person is seen at every pixel of the network input."""

from __future__ import annotations

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from pycocotools import mask as coco_mask

from das_mm.registry import TRANSFORMS

from .geometry import begin_geometry


@TRANSFORMS.register_module()
class AddInstanceMap(BaseTransform):
    """Draws the masks of the people as the geometric transforms have moved the image; put it behind all of these.

    ``instance_map`` (h, w) uint8 of the size of the input: n + 1 where person n of the record is annotated, 0
    elsewhere. Nearest neighbours, so that no pixel belongs to nobody's number; where masks overlap the later person
    has the pixel, as in the released code of CRMH. ``PackDASInputs`` packs it as ``gt_fields.instance_map`` with the
    numbers of the rows of ``gt_instance_labels``. Images of data sets without masks (``with_masks`` of
    :class:`.DASDataset` is off, or the file has none) get zeros: they say nothing of who is in front.
    """

    def transform(self, results: dict) -> dict:
        begin_geometry(results)
        height, width = results['img'].shape[:2]
        drawn = np.zeros((height, width), np.uint8)
        for number, mask in enumerate(results.get('masks') or (), start=1):
            if mask is not None and number <= np.iinfo(np.uint8).max:
                warped = cv2.warpAffine(
                    coco_mask.decode(mask), results['warp_mat'], (width, height), flags=cv2.INTER_NEAREST
                )
                drawn[warped > 0] = number
        results['instance_map'] = drawn
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
