"""The steps of Glow in any dimension: scale and shift, invertible linear map, additive coupling.

Kingma and Dhariwal, "Glow: Generative Flow with Invertible 1x1 Convolutions", NeurIPS 2018. Parameters and buffers have
the names and the order of those of ProHMR's released checkpoint. The logarithm of each step's Jacobian determinant is
the same everywhere, so each tells it as one number. ``forward`` goes from data to the latent space, ``inverse`` back.
Letters: N rows, D dimensions, M contexts with N a multiple of M (rows of one context lie together).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .coupling_net import CouplingResidualNet

#: smallest standard deviation that an ActNorm divides by, and smallest diagonal entry of an upper triangle
_SMALLEST = 1e-3


class ActNorm(nn.Module):
    """y = exp(log_scale)·x + shift.

    The first rows that it is given in training, two at least, set both so that each dimension then has mean 0 and the
    standard deviation 1 (with n - 1). ``initialized`` is part of the state.
    """

    initialized: Tensor  # () bool

    def __init__(self, features: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(features))
        self.shift = nn.Parameter(torch.zeros(features))
        self.register_buffer('initialized', torch.tensor(False))

    @property
    def log_det(self) -> Tensor:
        """log|det dy/dx|, ()."""
        return self.log_scale.sum()

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        if self.training and len(x) > 1 and not self.initialized:
            self.initialize(x)
        return self.log_scale.exp() * x + self.shift

    def inverse(self, y: Tensor, context: Tensor) -> Tensor:
        return (y - self.shift) * (-self.log_scale).exp()

    @torch.no_grad()
    def initialize(self, x: Tensor) -> None:
        """From rows (N, D), N >= 2."""
        spread = x.std(dim=0).clamp_min(_SMALLEST)
        self.log_scale.copy_(-spread.log())
        self.shift.copy_(-(x / spread).mean(dim=0))
        self.initialized.fill_(True)


class LULinear(nn.Module):
    """y = L·U·x + bias, L with ones on its diagonal, U with softplus(unconstrained) + 1e-3; begins as the identity.

    Entries beside the diagonals are kept row by row, in the order of ``torch.tril_indices`` and ``triu_indices``.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        num_entries = features * (features - 1) // 2
        self.bias = nn.Parameter(torch.zeros(features))
        self.lower_entries = nn.Parameter(torch.zeros(num_entries))
        self.upper_entries = nn.Parameter(torch.zeros(num_entries))
        one = math.log(math.exp(1 - _SMALLEST) - 1)
        self.unconstrained_upper_diag = nn.Parameter(torch.full((features,), one))

    @property
    def upper_diag(self) -> Tensor:
        """(D,), above 1e-3."""
        return F.softplus(self.unconstrained_upper_diag) + _SMALLEST

    @property
    def log_det(self) -> Tensor:
        """log|det dy/dx|, ()."""
        return self.upper_diag.log().sum()

    def triangles(self) -> tuple[Tensor, Tensor]:
        """L and U, (D, D) each."""
        device = self.bias.device
        below = torch.tril_indices(self.features, self.features, -1, device=device)
        above = torch.triu_indices(self.features, self.features, 1, device=device)
        lower = torch.eye(self.features, dtype=self.bias.dtype, device=device)
        lower = lower.index_put((below[0], below[1]), self.lower_entries)
        upper = torch.diag(self.upper_diag).index_put((above[0], above[1]), self.upper_entries)
        return lower, upper

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        lower, upper = self.triangles()
        return F.linear(F.linear(x, upper), lower, self.bias)

    def inverse(self, y: Tensor, context: Tensor) -> Tensor:
        lower, upper = self.triangles()
        columns = torch.linalg.solve_triangular(lower, (y - self.bias).mT, upper=False, unitriangular=True)
        return torch.linalg.solve_triangular(upper, columns, upper=True).mT


class AdditiveCoupling(nn.Module):
    """Half of the dimensions stay, the others are shifted by what a network says of those and the context.

    Args:
        features: D.
        keeps_even: The even dimensions stay; or the odd ones.
        context_features: C.
        hidden_features, num_blocks, dropout: Of :class:`.CouplingResidualNet`.
    """

    identity_features: Tensor  # int64, the dimensions that stay
    transform_features: Tensor  # int64, those that are shifted

    def __init__(
        self,
        features: int,
        keeps_even: bool,
        context_features: int,
        hidden_features: int,
        num_blocks: int,
        dropout: float,
    ) -> None:
        super().__init__()
        even, odd = torch.arange(0, features, 2), torch.arange(1, features, 2)
        kept, moved = (even, odd) if keeps_even else (odd, even)
        self.register_buffer('identity_features', kept)
        self.register_buffer('transform_features', moved)
        self.transform_net = CouplingResidualNet(
            len(kept), context_features, hidden_features, len(moved), num_blocks, dropout
        )

    @property
    def log_det(self) -> Tensor:
        """0."""
        return self.transform_net.final_layer.weight.new_zeros(())

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        return self._shifted(x, context, 1)

    def inverse(self, y: Tensor, context: Tensor) -> Tensor:
        return self._shifted(y, context, -1)

    def _shifted(self, x: Tensor, context: Tensor, sign: int) -> Tensor:
        shift = self.transform_net(x[:, self.identity_features], context)
        return x.index_add(1, self.transform_features, shift, alpha=sign)
