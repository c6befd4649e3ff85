"""The two further inputs of a tracking network (journal paper §3.4): the previous frame and its centre map.

Each has a stem of its own; all are added before the backbone proper. A backbone for tracking takes an input of 7
channels, (B, 7, H, W): the current image (3), the previous image (3) and the map of the previous centres (1), as
:class:`.TemporalDataPreprocessor` makes it.
"""

from __future__ import annotations

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmpose.models.backbones import ResNet
from mmpose.utils.typing import ConfigType
from torch import Tensor

from das_mm.registry import MODELS

IMAGE_CHANNELS = 3
TEMPORAL_CHANNELS = 2 * IMAGE_CHANNELS + 1


class TemporalStems(BaseModule):
    """Stems of the previous image and of the previous centres: 7x7 convolution, normalisation, ReLU each.

    Args:
        out_channels, stride: Those of the stem of the current image.
        norm_cfg: Normalisation.
    """

    def __init__(self, out_channels: int, stride: int, norm_cfg: ConfigType | None = None):
        super().__init__()
        norm_cfg = norm_cfg or dict(type='BN')
        self.previous_image, self.previous_centers = (
            ConvModule(channels, out_channels, 7, stride=stride, padding=3, norm_cfg=norm_cfg)
            for channels in (IMAGE_CHANNELS, 1)
        )

    def forward(self, current: Tensor, inputs: Tensor) -> Tensor:
        """``current`` (B, C, h, w), what the stem of the current image gave, plus both others; ``inputs`` (B, 7, H,
        W).
        """
        previous_image, previous_centers = inputs[:, IMAGE_CHANNELS:-1], inputs[:, -1:]
        return current + self.previous_image(previous_image) + self.previous_centers(previous_centers)


def check_temporal(inputs: Tensor) -> None:
    """Raises ValueError for anything but (B, 7, H, W)."""
    if inputs.ndim != 4 or inputs.shape[1] != TEMPORAL_CHANNELS:
        raise ValueError(
            f'a backbone for tracking takes (B, {TEMPORAL_CHANNELS}, H, W), not {tuple(inputs.shape)}: set '
            "data_preprocessor=dict(type='das_mm.TemporalDataPreprocessor', …)"
        )


@MODELS.register_module()
class TemporalResNet(ResNet):
    """mmpose's ResNet with the stems of a tracking network; parameters of the ResNet keep their names."""

    input_channels = TEMPORAL_CHANNELS

    def __init__(self, depth: int, stem_channels: int = 64, norm_cfg: ConfigType | None = None, **kwargs):
        norm_cfg = norm_cfg or dict(type='BN', requires_grad=True)
        super().__init__(depth, stem_channels=stem_channels, norm_cfg=norm_cfg, **kwargs)
        self.temporal_stems = TemporalStems(stem_channels, 2, norm_cfg)

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """(B, 7, H, W) to maps of the stages in ``out_indices``."""
        check_temporal(inputs)
        image = inputs[:, :IMAGE_CHANNELS]
        current = self.stem(image) if self.deep_stem else self.relu(self.norm1(self.conv1(image)))
        x = self.maxpool(self.temporal_stems(current, inputs))
        maps = []
        for index, name in enumerate(self.res_layers):
            x = getattr(self, name)(x)
            if index in self.out_indices:
                maps.append(x)
        return tuple(maps)
