"""Boxes as mmdetection 1 counted them: both ends are pixels of the box, which is x2 - x1 + 1 wide.

CRMH was written for it, and its released weights need it. mmdetection 3 has ``LegacyAnchorGenerator`` for anchors; its
``LegacyDeltaXYWHBBoxCoder`` lacks half a pixel on each side on purpose, and its RoI extractor the pixel. NMS has it by
``nms=dict(type='nms', offset=1)``. Letters: N boxes, xyxy px.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmcv.ops import RoIAlign
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.models.task_modules.assigners import BboxOverlaps2D
from mmdet.models.task_modules.coders.legacy_delta_xywh_bbox_coder import LegacyDeltaXYWHBBoxCoder
from torch import Tensor, nn

from das_mm.registry import MODELS, TASK_UTILS

_LARGEST_LOG_RATIO = 4.135166556742356  # of a side, |log(16 / 1000)|


def grown(boxes: Tensor) -> Tensor:
    """Boxes (N, 4), or with more columns behind, whose x2 - x1 is their width in pixels."""
    return boxes + boxes.new_tensor([0.0, 0.0, 1.0, 1.0] + [0.0] * (boxes.shape[-1] - 4))


class CornerRoIAlign(nn.Module):
    """RoIAlign without the half pixel that later versions take off, for regions of any size.

    What is called ``aligned=False`` today takes regions that are narrower than a place of the map for one place; that
    of mmdetection 1 did not.

    Args:
        spatial_scale: Places of the map a pixel.
        output_size, sampling_ratio: Of RoIAlign.
    """

    def __init__(self, spatial_scale: float, output_size: int, sampling_ratio: int) -> None:
        super().__init__()
        self.spatial_scale = spatial_scale
        self.align = RoIAlign(output_size, spatial_scale, sampling_ratio, aligned=True)
        self.output_size = self.align.output_size

    def forward(self, features: Tensor, rois: Tensor) -> Tensor:
        """Maps (B, C, H, W) and regions (N, 5) to (N, C, h, w)."""
        half = rois.new_tensor([0.0, 0.5, 0.5, 0.5, 0.5]) / self.spatial_scale
        return self.align(features, rois + half)


@MODELS.register_module()
class InclusiveRoIExtractor(SingleRoIExtractor):
    """RoIAlign of the regions and the pixel that ends them, levels of the pyramid by the same sizes, as mmdetection 1
    did; ``roi_layer`` has ``output_size`` and ``sampling_ratio``."""

    def build_roi_layers(self, layer_cfg: Mapping[str, Any], featmap_strides: Sequence[int]) -> nn.ModuleList:
        """One for each level, by :class:`CornerRoIAlign`."""
        return nn.ModuleList(CornerRoIAlign(1 / stride, **layer_cfg) for stride in featmap_strides)

    def forward(self, feats: Sequence[Tensor], rois: Tensor, roi_scale_factor: float | None = None) -> Tensor:
        """
        Args:
            feats: Maps (B, C, H, W) of the levels.
            rois: (N, 5), the number of the image before xyxy px.
            roi_scale_factor: Of mmdet's interface.

        Returns:
            (N, C, h, w).
        """
        return super().forward(tuple(feats), torch.cat([rois[:, :1], grown(rois[:, 1:])], dim=1), roi_scale_factor)


@TASK_UTILS.register_module()
class InclusiveBoxCoder(LegacyDeltaXYWHBBoxCoder):
    """Boxes as shifts and log-ratios of others; widths have the pixel, and the decoded ends are pixels of the box."""

    def decode(
        self, bboxes: Tensor, pred_bboxes: Tensor, max_shape: Sequence[int] | None = None, wh_ratio_clip: float = 0.016
    ) -> Tensor:
        """
        Args:
            bboxes: (N, 4).
            pred_bboxes: (N, 4 * classes).
            max_shape: (height, width) of the image that they are cut to.
            wh_ratio_clip: Of mmdet's interface; that of the released code is fixed.

        Returns:
            (N, 4 * classes).
        """
        columns = (len(bboxes), -1, 4)
        deltas = pred_bboxes.view(*columns) * pred_bboxes.new_tensor(self.stds) + pred_bboxes.new_tensor(self.means)
        sides = (grown(bboxes)[:, 2:] - bboxes[:, :2])[:, None]  # (N, 1, 2)
        middle = (bboxes[:, :2] + bboxes[:, 2:])[:, None] * 0.5 + sides * deltas[..., :2]
        half = 0.5 * sides * deltas[..., 2:].clamp(-_LARGEST_LOG_RATIO, _LARGEST_LOG_RATIO).exp()
        decoded = torch.cat([middle - half + 0.5, middle + half - 0.5], dim=-1)
        if max_shape is not None:
            last = decoded.new_tensor([max_shape[1] - 1, max_shape[0] - 1] * 2)
            decoded = decoded.clamp(min=0).minimum(last)
        return decoded.view_as(pred_bboxes)


@TASK_UTILS.register_module()
class InclusiveOverlaps(BboxOverlaps2D):
    """Intersection over union of boxes whose ends belong to them."""

    def __call__(self, bboxes1: Tensor, bboxes2: Tensor, mode: str = 'iou', is_aligned: bool = False) -> Tensor:
        return super().__call__(grown(bboxes1[:, :4]), grown(bboxes2[:, :4]), mode, is_aligned)
