"""Layers on the vertices of a mesh (thesis §2.3.2 and Figures 12 and 13); names of weights as released.

Letters: B images, N vertices, C channels; features are (B, C, N).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from .body_mesh import SparseMatrix

_CHANNELS_PER_GROUP = 8


def group_norm(channels: int) -> nn.GroupNorm:
    """Group normalisation with 8 channels a group, over the vertices and channels of one image.

    Raises:
        ValueError: ``channels`` is no multiple of 8.
    """
    if channels % _CHANNELS_PER_GROUP:
        raise ValueError(f'{channels} channels cannot be divided into groups of {_CHANNELS_PER_GROUP}')
    return nn.GroupNorm(channels // _CHANNELS_PER_GROUP, channels)


def _keep_variance(weight: Tensor, bias: Tensor, fan_in: int) -> None:
    limit = (3.0 / fan_in) ** 0.5
    nn.init.uniform_(weight, -limit, limit)
    nn.init.zeros_(bias)


class GraphLinear(nn.Module):
    """The same linear map for every vertex: W·x + b.

    The weights begin within ±1/(in·out), which is very little, as in the released code.

    Attributes:
        W: (out, in). b: (out,).
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.W = nn.Parameter(torch.empty(out_channels, in_channels))
        self.b = nn.Parameter(torch.empty(out_channels))
        limit = 1.0 / (in_channels * out_channels)
        nn.init.uniform_(self.W, -limit, limit)
        nn.init.uniform_(self.b, -limit, limit)

    def keep_variance(self) -> None:
        """Begins anew with weights that neither raise nor lower the variance."""
        _keep_variance(self.W, self.b, fan_in=self.W.shape[1])

    def forward(self, features: Tensor) -> Tensor:
        """(B, in, N) -> (B, out, N)."""
        return self.W @ features + self.b[:, None]


class GraphConvolution(nn.Module):
    """Y = Ã·X·W + b (eq. 2.1, Kipf and Welling 2017): a linear map, then the mean over each vertex and its neighbours.

    Args:
        in_channels, out_channels: Channels.
        adjacency: Ã; shared by all layers of a network.

    Attributes:
        weight: (in, out). bias: (out,). Both begin within ±6/√(in + out), as in the released code.
    """

    def __init__(self, in_channels: int, out_channels: int, adjacency: SparseMatrix):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_channels, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels))
        limit = 6.0 / (in_channels + out_channels) ** 0.5
        nn.init.uniform_(self.weight, -limit, limit)
        nn.init.uniform_(self.bias, -limit, limit)
        self.adjacency = adjacency

    def keep_variance(self) -> None:
        """Begins anew with weights that neither raise nor lower the variance (before the mean over neighbours)."""
        _keep_variance(self.weight, self.bias, fan_in=self.weight.shape[0])

    def forward(self, features: Tensor) -> Tensor:
        """(B, in, N) -> (B, out, N)."""
        mixed = features.transpose(1, 2) @ self.weight
        return (self.adjacency(mixed) + self.bias).transpose(1, 2)


class GraphResBlock(nn.Module):
    """Graph residual block: a bottleneck with normalisation and ReLU before each map (Figures 12 and 13).

    ``skip_conv`` is in every block's state dict, as in the released one; where ``in_channels == out_channels`` the
    input itself is added and those weights are never used.

    Args:
        in_channels, out_channels: Multiples of 8, ``out_channels`` of 16.
        adjacency: Ã.
    """

    def __init__(self, in_channels: int, out_channels: int, adjacency: SparseMatrix):
        super().__init__()
        middle = out_channels // 2
        self.lin1 = GraphLinear(in_channels, middle)
        self.conv = GraphConvolution(middle, middle, adjacency)
        self.lin2 = GraphLinear(middle, out_channels)
        self.skip_conv = GraphLinear(in_channels, out_channels)
        self.pre_norm = group_norm(in_channels)
        self.norm1 = group_norm(middle)
        self.norm2 = group_norm(middle)
        self.changes_channels = in_channels != out_channels
        if not self.changes_channels:  # no optimiser and no data-parallel wrapper waits for their gradients
            self.skip_conv.requires_grad_(False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, in, N) -> (B, out, N)."""
        update = self.lin1(relu(self.pre_norm(features)))
        update = self.conv(relu(self.norm1(update)))
        update = self.lin2(relu(self.norm2(update)))
        return update + (self.skip_conv(features) if self.changes_channels else features)
