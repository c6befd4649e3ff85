"""The two depths of a person and what is known of their errors (MAR §3.2, §3.4). Letters: N people."""

from __future__ import annotations

import torch
from torch import Tensor

#: log σ is kept within, in the unit of the depths that are learnt
LOG_SIGMA_RANGE = (-7.0, 5.0)


def laplace_loss(depth: Tensor, log_sigma: Tensor, target: Tensor) -> Tensor:
    """|Z - Ẑ| / σ + log σ of each person (Eq. 6 and 9), all (N,) and in one unit.

    The constant of the Laplace density and the √2 between its scale and σ are left out, as in the paper.
    """
    log_sigma = log_sigma.clamp(*LOG_SIGMA_RANGE)
    return (depth - target).abs() * (-log_sigma).exp() + log_sigma


def fuse_depths(
    regressed: Tensor, log_sigma_regressed: Tensor, geometric: Tensor, log_sigma_geometric: Tensor, valid: Tensor
) -> Tensor:
    """(Z_reg/σ1 + Z_geo/σ2) / (1/σ1 + 1/σ2), Eq. 12: weights 1/σ, not 1/σ².

    Args:
        regressed, geometric: (N,), in one unit.
        log_sigma_regressed, log_sigma_geometric: (N,), of that same unit.
        valid: (N,) bool: the geometry has an answer. Without, its σ counts as infinite.
    """
    difference = log_sigma_regressed.clamp(*LOG_SIGMA_RANGE) - log_sigma_geometric.clamp(*LOG_SIGMA_RANGE)
    share = torch.sigmoid(difference) * valid  # (1/σ2) / (1/σ1 + 1/σ2)
    return regressed * (1 - share) + torch.where(valid, geometric, regressed) * share
