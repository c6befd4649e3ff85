"""Samples for the learned density Q·G, which has no sampler of its own."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def propose_for_product(prior, flow, num: int, generator: torch.Generator | None = None) -> Tensor:
    """Proposals for Q·G, ``num`` rounded down to an even number, at least 2: half from Q, then half from G, (num, D).

    Weighted by Q·G / (Q/2 + G/2), at most twice the smaller of the two densities, none can dominate however far Q and
    G lie apart.

    Args:
        prior, flow, generator: As of :func:`resample_product`.
    """
    half = max(num // 2, 1)
    from_flow = flow.sample(half, generator)
    return torch.cat([prior.sample(half, flow.dims, generator, from_flow.device), from_flow])


@torch.no_grad()
def resample_product(
    prior, flow, n: int, generator: torch.Generator | None = None, proposals_per_sample: int = 32
) -> Tensor:
    """n samples from Q·G / ∫Q·G in any dimension by importance resampling.

    Of the proposals of :func:`propose_for_product`. Exact as their number grows; one may be drawn more than once.

    Args:
        prior: Q, with ``log_density`` and ``sample``.
        flow: G, with ``dims``, ``log_prob`` and ``sample``.
        n: Number of samples.
        generator: On the flow's device.
        proposals_per_sample: Proposals drawn for each sample wanted.

    Returns:
        (n, D)
    """
    proposals = propose_for_product(prior, flow, n * proposals_per_sample, generator)
    log_q = prior.log_density(proposals).sum(dim=1)
    log_g = flow.log_prob(proposals)
    log_weight = log_q + log_g - torch.logaddexp(log_q, log_g)
    # multinomial is limited to 2^24 categories; systematic inversion of the cumulative weights is not, and varies less
    cumulative = (log_weight - log_weight.max()).exp().double().cumsum(dim=0)
    offset = torch.rand(1, generator=generator, device=proposals.device, dtype=torch.float64)
    positions = (torch.arange(n, device=proposals.device) + offset) / max(n, 1) * cumulative[-1]
    chosen = torch.searchsorted(cumulative, positions).clamp(max=len(proposals) - 1)
    return proposals[chosen[torch.randperm(n, generator=generator, device=proposals.device)]]
