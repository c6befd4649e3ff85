"""The residual network of a conditional coupling (names as in :mod:`.glow_transforms`)."""

from __future__ import annotations

import math
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """x + Linear(Dropout(ReLU(BN(Linear(ReLU(BN(x))))))); the last linear layer begins within 1e-3 of 0.

    Args:
        features: Width.
        dropout: Probability.
    """

    def __init__(self, features: int, dropout: float) -> None:
        super().__init__()
        self.batch_norm_layers = nn.ModuleList(nn.BatchNorm1d(features, eps=1e-5) for _ in range(2))
        self.linear_layers = nn.ModuleList(nn.Linear(features, features) for _ in range(2))
        self.dropout = nn.Dropout(dropout)
        for parameter in self.linear_layers[1].parameters():
            nn.init.uniform_(parameter, -1e-3, 1e-3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.linear_layers[0](F.relu(self._normalised(0, x)))
        return x + self.linear_layers[1](self.dropout(F.relu(self._normalised(1, hidden))))

    def _normalised(self, number: int, x: Tensor) -> Tensor:
        layer = cast('nn.BatchNorm1d', self.batch_norm_layers[number])
        if self.training and len(x) < 2:  # one row has no spread: the running one
            return F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias, eps=layer.eps)
        return layer(x)


class CouplingResidualNet(nn.Module):
    """Kept dimensions and the context to the shift of the others. The context enters the first layer alone.

    Args:
        in_features: Dimensions that stay.
        context_features: C.
        hidden_features: Width.
        out_features: Dimensions that are shifted.
        num_blocks: Residual blocks.
        dropout: Of the blocks.
    """

    def __init__(
        self,
        in_features: int,
        context_features: int,
        hidden_features: int,
        out_features: int,
        num_blocks: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.initial_layer = nn.Linear(in_features + context_features, hidden_features)
        self.blocks = nn.ModuleList(ResidualBlock(hidden_features, dropout) for _ in range(num_blocks))
        self.final_layer = nn.Linear(hidden_features, out_features)
        for parameter in self.final_layer.parameters():
            bound = 0.01 / math.sqrt(hidden_features)
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, kept: Tensor, context: Tensor) -> Tensor:
        """Shift (N, out_features).

        Args:
            kept: (N, in_features), rows of one context together.
            context: (M, C); it goes through the first layer once, however many rows it has.
        """
        weight = self.initial_layer.weight
        rows_each = len(kept) // max(len(context), 1)
        of_context = F.linear(context, weight[:, self.in_features :]).repeat_interleave(rows_each, dim=0)
        hidden = F.linear(kept, weight[:, : self.in_features], self.initial_layer.bias) + of_context
        for block in self.blocks:
            hidden = block(hidden)
        return self.final_layer(hidden)
