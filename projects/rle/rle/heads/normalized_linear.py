"""A linear layer whose dot products do not depend on the length of the feature (released code of RLE only)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class NormalizedLinear(nn.Module):
    """y = W·x / ‖x‖ + b, (B, C) -> (B, out); with ``normalized=False`` a plain linear layer of the same weight names.

    Weights start with Xavier's gain of 0.01, biases as torch starts them.

    Args:
        in_features: C.
        out_features: Outputs.
        normalized: Divide by the length of the feature.
    """

    def __init__(self, in_features: int, out_features: int, normalized: bool = True):
        super().__init__()
        self.linear, self.normalized = nn.Linear(in_features, out_features), normalized
        nn.init.xavier_uniform_(self.linear.weight, gain=0.01)

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.linear.weight)
        if self.normalized:
            # a feature of zeros has no direction: its dot products are 0, not NaN
            y = y / x.norm(dim=1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)
        return y + self.linear.bias
