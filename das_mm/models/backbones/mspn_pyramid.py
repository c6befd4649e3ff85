"""MSPN as a pyramid (paper §4.2, "larger backbone"): the last stage's maps, finest first, for an FPN."""

from __future__ import annotations

from mmengine.model import BaseModule
from mmpose.models.backbones import MSPN
from torch import Tensor, nn

from das_mm.registry import MODELS


@MODELS.register_module()
class MSPNPyramid(MSPN):
    """mmpose's MSPN; gives the four up-sampling outputs of its last stage at strides 4, 8, 16 and 32.

    Args:
        frozen_stages: -1 or 0 trains everything; 1 freezes the stem (convolution and pooling before the first stage),
            as the released configs do.
        init_cfg: As in mmengine: ``Pretrained`` loads a whole MSPN, such as `das-mm convert-checkpoint` writes.
            (mmpose's MSPN would look for a ResNet in the file, and find nothing.)
        kwargs: mmpose's MSPN arguments (``unit_channels``, ``num_stages``, ``num_units=4``, ``num_blocks``…).

    Raises:
        ValueError: ``num_units`` is not 4, or ``frozen_stages`` is none of -1, 0 and 1.
    """

    def __init__(self, frozen_stages: int = 0, **kwargs):
        if kwargs.get('num_units', 4) != 4:
            raise ValueError(f'a pyramid of four levels needs num_units=4, not {kwargs["num_units"]}')
        if frozen_stages not in (-1, 0, 1):
            raise ValueError(f'frozen_stages must be -1, 0 or 1, not {frozen_stages}')
        super().__init__(**kwargs)
        self.frozen_stages = frozen_stages
        self._freeze()

    def init_weights(self) -> None:
        BaseModule.init_weights(self)

    def _freeze(self) -> None:
        if self.frozen_stages > 0:
            self.top.eval()
            for parameter in self.top.parameters():
                parameter.requires_grad_(False)

    def train(self, mode: bool = True) -> nn.Module:
        super().train(mode)
        self._freeze()
        return self

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) to four (B, unit_channels, H/s, W/s) for s in 4, 8, 16, 32."""
        return tuple(reversed(super().forward(x)[-1]))
