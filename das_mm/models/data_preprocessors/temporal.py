"""Inputs of a tracking network: two images and the map of the previous centres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmpose.models.data_preprocessors import PoseDataPreprocessor
from torch import Tensor

from das_mm.registry import MODELS
from das_mm.structures import center_map


@MODELS.register_module()
class TemporalDataPreprocessor(PoseDataPreprocessor):
    """Normalises both images, draws the centres, stacks all to (B, 7, H, W) (see :mod:`.backbones.temporal_stems`).

    ``inputs`` are uint8 images (6, H, W), current and previous one after the other, or (3, H, W) where there is no
    previous one: the current one takes its place and nobody was there, as at the start of a video. The metainfo of a
    sample says where people were, in px of the network input: ``previous_centers_px`` (M, 2) and ``previous_sizes_px``
    (M, 2) (width, height); the map has a Gaussian peak of height 1 for each.

    Args:
        kwargs: Those of mmpose's ``PoseDataPreprocessor``, for 3 channels.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """As in mmpose; the padding of the previous image is that of the current one."""
        inputs, samples = data['inputs'], data['data_samples']
        images = list(inputs)
        both = [one[:3] for one in images] + [one[3:] if len(one) == 6 else one for one in images]
        done = super().forward(dict(inputs=both, data_samples=list(samples) * 2), training)
        current, previous = done['inputs'].chunk(2)
        maps = torch.stack([self._center_map(sample, current) for sample in samples])
        return dict(
            inputs=torch.cat([current, previous, maps], dim=1), data_samples=done['data_samples'][: len(images)]
        )

    @staticmethod
    def _center_map(sample, like: Tensor) -> Tensor:
        centers, sizes = (sample.metainfo.get(f'previous_{name}_px', ()) for name in ('centers', 'sizes'))
        return draw_centers(centers, sizes, like)


def draw_centers(centers_px: Sequence | np.ndarray, sizes_px: Sequence | np.ndarray, like: Tensor) -> Tensor:
    """(1, H, W) map of M people; see :func:`das_mm.structures.center_map.draw_centers`.

    Args:
        centers_px, sizes_px: (M, 2), as there.
        like: (*, H, W) that says size, type and device.
    """
    height, width = like.shape[-2:]
    return torch.from_numpy(center_map.draw_centers(centers_px, sizes_px, (height, width)))[None].to(like)
