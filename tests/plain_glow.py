"""The released flow of ProHMR and ProSkeleton in evaluation mode, written down step by step from its description."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def plain_to_latent(weights: dict[str, Tensor], x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
    """z (N, D) and log|det dz/dx| () of data (N, D) and contexts (N, C).

    Args:
        weights: By the names of the authors' flow, ``_transform._transforms.0.log_scale`` first.
    """
    features = x.shape[1]
    log_det = torch.zeros((), dtype=x.dtype)
    for layer in range(4):
        of = lambda number, name, layer=layer: weights[f'_transform._transforms.{3 * layer + number}.{name}']
        x = of(0, 'log_scale').exp() * x + of(0, 'shift')
        matrix, diagonal = plain_linear(weights, layer, features)
        x = x @ matrix.to(x).T + of(1, 'bias')
        log_det = log_det + of(0, 'log_scale').sum() + diagonal.log().sum()
        shift = plain_shift(weights, layer, x, context)
        x = x.clone()
        x[:, 1 - layer % 2 :: 2] += shift
    return x, log_det


def plain_to_data(weights: dict[str, Tensor], z: Tensor, context: Tensor) -> Tensor:
    """The inverse, by an inverted matrix."""
    for layer in reversed(range(4)):
        of = lambda number, name, layer=layer: weights[f'_transform._transforms.{3 * layer + number}.{name}']
        shift = plain_shift(weights, layer, z, context)
        z = z.clone()
        z[:, 1 - layer % 2 :: 2] -= shift
        matrix, _ = plain_linear(weights, layer, z.shape[1])
        z = ((z - of(1, 'bias')).double() @ torch.linalg.inv(matrix).T).to(z)
        z = (z - of(0, 'shift')) / of(0, 'log_scale').exp()
    return z


def plain_linear(weights: dict[str, Tensor], layer: int, features: int) -> tuple[Tensor, Tensor]:
    """L·U (D, D) in double precision, and the diagonal of U (D,)."""
    of = lambda name: weights[f'_transform._transforms.{3 * layer + 1}.{name}']
    diagonal = torch.log1p(of('unconstrained_upper_diag').exp()) + 1e-3
    lower, upper = np.eye(features), np.diag(diagonal.double().numpy())
    lower[np.tril_indices(features, -1)] = of('lower_entries').numpy()
    upper[np.triu_indices(features, 1)] = of('upper_entries').numpy()
    return torch.from_numpy(lower @ upper), diagonal


def plain_shift(weights: dict[str, Tensor], layer: int, x: Tensor, context: Tensor) -> Tensor:
    """What the coupling of a layer adds to the dimensions that it does not keep."""
    net = lambda name: weights[f'_transform._transforms.{3 * layer + 2}.transform_net.{name}']
    linear = lambda name, h: h @ net(f'{name}.weight').T + net(f'{name}.bias')
    hidden = linear('initial_layer', torch.cat([x[:, layer % 2 :: 2], context], dim=1))
    for block in ('blocks.0', 'blocks.1'):
        inner = hidden
        for number in (0, 1):
            norm = lambda name, at=f'{block}.batch_norm_layers.{number}': net(f'{at}.{name}')
            inner = (inner - norm('running_mean')) / (norm('running_var') + 1e-5).sqrt() * norm('weight')
            inner = linear(f'{block}.linear_layers.{number}', F.relu(inner + norm('bias')))
        hidden = hidden + inner
    return linear('final_layer', hidden)
