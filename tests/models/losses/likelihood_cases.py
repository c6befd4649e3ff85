"""Losses, flows and batches that several tests share."""

from __future__ import annotations

import torch

from das_mm.models.flows import RealNVP
from das_mm.registry import MODELS

FLOW_LOSSES = ['RLELoss', 'DLELoss', 'OfficialRLELoss']
ALL_LOSSES = FLOW_LOSSES + ['LaplaceNLLLoss', 'GaussianNLLLoss', 'L1PoseLoss']


def build(name: str, dims: int, **kwargs):
    if name in FLOW_LOSSES:
        kwargs['flow'] = dict(type='RealNVP', dims=dims)
    return MODELS.build(dict(type=f'das_mm.{name}', **kwargs))  # prefixed: whatever the default scope


def make_identity(flow: RealNVP) -> None:
    for parameter in flow.parameters():
        torch.nn.init.zeros_(parameter)


def random_batch(n: int, dims: int, seed: int = 0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    pred, target = (torch.randn(n, dims, generator=generator).to(dtype) for _ in range(2))
    sigma = (0.2 + torch.rand(n, dims, generator=generator)).to(dtype)
    return pred, sigma, target


def skewed_residuals(n: int, dims: int, generator: torch.Generator) -> torch.Tensor:
    """Exponential on one side, a second bump on the other: nothing that a symmetric density fits."""
    z = torch.empty(n, dims).exponential_(1.5, generator=generator) - 0.5
    bump = torch.rand(n, 1, generator=generator) < 0.25
    return torch.where(bump, -2.0 + 0.2 * torch.randn(n, dims, generator=generator), z)


def perturbed_flow(dims: int, seed: int = 0, scale: float = 0.3, **kwargs) -> RealNVP:
    """A flow far from the identity."""
    generator = torch.Generator().manual_seed(seed)
    flow = RealNVP(dims, **kwargs)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator) / parameter.shape[-1] ** 0.5)
    return flow
