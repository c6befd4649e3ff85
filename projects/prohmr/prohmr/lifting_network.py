"""The encoder of ProSkeleton: the lifting network of Martinez et al. (ICCV 2017) without its last layer.

Names and shapes of the weights are those of the authors' released code (``fcresnet``).
"""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from das_mm.registry import MODELS


@MODELS.register_module()
class LiftingNetwork(BaseModule):
    """A layer, then residual blocks of two; each a linear map, batch normalisation, ReLU and dropout.

    Args:
        in_channels: 2 numbers a joint.
        hidden_channels: Of every layer, and of the result.
        num_blocks: Residual blocks. Nothing follows their sum.
        dropout: Share of what is left out in training.
        init_cfg: Of mmengine's BaseModule.

    Example:
        >>> import torch
        >>> LiftingNetwork(34, 8).eval()(torch.zeros(2, 34)).shape
        torch.Size([2, 8])
    """

    def __init__(
        self,
        in_channels: int = 34,
        hidden_channels: int = 1024,
        num_blocks: int = 2,
        dropout: float = 0.5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.out_channels = hidden_channels
        layer = lambda width: [
            nn.Linear(width, hidden_channels),
            nn.BatchNorm1d(hidden_channels),
            nn.ReLU(),
            nn.Dropout(dropout),
        ]
        blocks = [_Residual(*layer(hidden_channels), *layer(hidden_channels)) for _ in range(num_blocks)]
        self.fc_layers = nn.Sequential(_Block(*layer(in_channels)), *blocks)

    def forward(self, places: Tensor) -> Tensor:
        """(B, in_channels) standardised to (B, hidden_channels)."""
        return self.fc_layers(places)


class _Block(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.fc_block = nn.Sequential(*layers)

    def forward(self, values: Tensor) -> Tensor:
        return self.fc_block(values)


class _Residual(_Block):
    def forward(self, values: Tensor) -> Tensor:
        return values + self.fc_block(values)
