"""Samples of the learned density Q·G, which has no sampler of its own."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def resample_product(
    prior, flow, n: int, generator: torch.Generator | None = None, proposals_per_sample: int = 32
) -> Tensor:
    """n samples from Q·G / ∫Q·G in any dimension by importance resampling.

    Half of the proposals come from Q, half from G, weighted by Q·G / (Q/2 + G/2). That weight is at most twice the
    smaller of the two densities, so no proposal can dominate however far Q and G lie apart. Exact as the number of
    proposals grows; a proposal may be drawn more than once.

    Args:
        prior: Q, with ``log_density`` and ``sample``.
        flow: G, with ``dims``, ``log_prob`` and ``sample``.
        n: Number of samples.
        generator: On the flow's device.
        proposals_per_sample: Proposals drawn for each sample wanted.

    Returns:
        (n, D)
    """
    half = max(n * proposals_per_sample // 2, 1)
    from_flow = flow.sample(half, generator)
    from_prior = prior.sample(half, flow.dims, generator, from_flow.device)
    proposals = torch.cat([from_prior, from_flow])  # (2 * half, D)
    log_q = prior.log_density(proposals).sum(dim=1)
    log_g = flow.log_prob(proposals)
    log_weight = log_q + log_g - torch.logaddexp(log_q, log_g)
    # multinomial is limited to 2^24 categories; systematic inversion of the cumulative weights is not, and varies less
    cumulative = (log_weight - log_weight.max()).exp().double().cumsum(dim=0)
    offset = torch.rand(1, generator=generator, device=proposals.device, dtype=torch.float64)
    positions = (torch.arange(n, device=proposals.device) + offset) / max(n, 1) * cumulative[-1]
    chosen = torch.searchsorted(cumulative, positions).clamp(max=len(proposals) - 1)
    return proposals[chosen[torch.randperm(n, generator=generator, device=proposals.device)]]
