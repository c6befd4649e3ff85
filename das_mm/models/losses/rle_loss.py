"""Residual log-likelihood estimation, and direct estimation beside it.

Papers: Li et al., ICCV 2021, Eq. 5 to 8; DAS (journal version), Eq. 9 and 10. One flow is shared by all keypoints and
images. Shapes: N keypoints, D coordinates each, M <= N rows that count.

Inside a ``das_mm`` config the name ``RLELoss`` means this one; mmpose's is ``mmpose.RLELoss`` there. In mmpose's own
scope it is the other way round.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from das_mm.registry import MODELS

from .likelihood_loss import LikelihoodLoss
from .priors import build_prior
from .resampling import propose_for_product, resample_product

if TYPE_CHECKING:
    from das_mm.models.flows import RealNVP


def build_flow(flow: dict | nn.Module) -> nn.Module:
    """A flow from its config, or the very module given, so that several losses can share one."""
    if isinstance(flow, nn.Module):
        return flow
    # our names must be found from a config of another scope (mmpose's) as well
    return MODELS.build({'_scope_': 'das_mm', **flow})


class FlowLoss(LikelihoodLoss):
    """A loss that owns (or shares) a flow; the coordinates of a keypoint are judged together.

    Args:
        flow: Config of the flow, ``dict(type='RealNVP', dims=D)``, or a flow module to share.
        loss_weight: Factor on the result.
    """

    joint = True

    def __init__(self, flow: dict | nn.Module, loss_weight: float = 1.0):
        super().__init__(loss_weight)
        self.flow = cast('RealNVP', build_flow(flow))  # or whatever has its methods

    def resolve_dims(self, num_dims: int | None) -> int:
        if num_dims not in (None, self.flow.dims):
            raise ValueError(f'the flow has {self.flow.dims} dimensions, num_dims says {num_dims}')
        return self.flow.dims

    def fitted_density(self) -> LikelihoodLoss:
        """The flow alone, see :class:`RLELoss`."""
        return DLELoss(self.flow)


@MODELS.register_module()
class RLELoss(FlowLoss):
    """-log Q(z) - log G(z) + sum over d of log σ_d, with z = (target - pred) / σ (DAS Eq. 10).

    log σ is counted once. (The released code counts it twice: :class:`OfficialRLELoss`.) Like Eq. 10 and the released
    code this leaves out log s of RLE Eq. 8, the normaliser of Q·G. Three things follow. G is fitted to z by itself, and
    takes up any factor common to all σ: σ ranks keypoints and images by their error, its absolute size is settled by
    the start and the learning rates, not by the data. -log Q is the smaller the larger σ, with nothing against it: in a
    long training σ grows towards the 1 at which :func:`.scale.positive_scale` ends, and then ranks nothing. In units of
    the error it is σ · :func:`.density.residual_spread`. And plots of Q·G must be normalised numerically:
    :func:`.density.error_density_grid`. With ``normalized`` log s is there: Q·G itself is fitted, σ does not grow.

    Args:
        flow: Config of the flow G, ``dict(type='RealNVP', dims=D)``, or a flow module to share.
        prior: Q: 'laplace', 'gaussian', or a config.
        loss_weight: Factor on the result.
        normalized: With log s of RLE Eq. 8 (there a Riemann sum; here over samples of Q and of G, drawn anew in every
            step).
        partition_samples: How many samples; fewer are quicker and as right in the mean of many steps, but noisier.

    Example:
        >>> loss = RLELoss(flow=dict(type='RealNVP', dims=3))
        >>> loss(torch.zeros(7, 3), torch.ones(7, 3), torch.rand(7, 3), weight=torch.ones(7)).shape
        torch.Size([])
    """

    def __init__(
        self,
        flow: dict | nn.Module,
        prior: str | dict = 'laplace',
        loss_weight: float = 1.0,
        normalized: bool = False,
        partition_samples: int = 2048,
    ):
        super().__init__(flow, loss_weight)
        self.prior = build_prior(prior)
        self.normalized, self.partition_samples = normalized, partition_samples

    def residual_loss(self, z: Tensor, log_sigma: Tensor) -> Tensor:
        log_g = self.flow.log_prob(z)[:, None] / z.shape[1]  # (M, 1), sums to log G over the coordinates
        loss = log_sigma - self.prior.log_density(z) - log_g
        return loss + self._log_partition() / z.shape[1] if self.normalized else loss

    def _log_partition(self) -> Tensor:
        """log ∫ Q·G / ∫ Q = -log s, by samples: differentiable in the flow. A constant factor of Q matters to
        nobody.

        By the proposals of :func:`.propose_for_product`, from Q and from G. Samples of Q alone do not see a G that
        gathers where Q has next to none of them, and a training would find that there is nothing against it: G grew
        without end at some residuals, and the loss fell to minus hundreds within 25 steps. (Between the two, where Q·G
        may be largest, a Gaussian Q leaves few: five deviations off it is told too small by some tenths of a nat.)
        """
        samples = propose_for_product(self.prior, self.flow, self.partition_samples)
        log_q = self.prior.log_density(samples).sum(dim=1) - self.flow.dims * self.prior.log_mass
        log_g = self.flow.log_prob(samples)
        drawn_from = torch.logaddexp(log_q, log_g.detach()) - math.log(2)
        return (log_q + log_g - drawn_from).logsumexp(dim=0) - math.log(len(samples))

    def fitted_density(self) -> LikelihoodLoss:
        """Q·G where it is normalised in training, the flow alone where it is not."""
        return self if self.normalized else super().fitted_density()

    def log_density(self, z: Tensor) -> Tensor:
        """log (Q·G), (N, D) -> (N,), without the normaliser (:func:`.density.log_partition`)."""
        return self.prior.log_density(z).sum(dim=1) + self.flow.log_prob(z)

    def sample_residuals(self, n: int, generator: torch.Generator | None = None, num_dims: int | None = None) -> Tensor:
        """n samples of the normalised Q·G, (n, D)."""
        self.resolve_dims(num_dims)
        return resample_product(self.prior, self.flow, n, generator)


@MODELS.register_module()
class DLELoss(FlowLoss):
    """-log P(z) + sum over d of log σ_d, P the flow itself, no Q (RLE Eq. 5, DAS Eq. 9): "direct" estimation."""

    def residual_loss(self, z: Tensor, log_sigma: Tensor) -> Tensor:
        return log_sigma - self.flow.log_prob(z)[:, None] / z.shape[1]

    def log_density(self, z: Tensor) -> Tensor:
        return self.flow.log_prob(z)

    def sample_residuals(self, n: int, generator: torch.Generator | None = None, num_dims: int | None = None) -> Tensor:
        self.resolve_dims(num_dims)
        return self.flow.sample(n, generator)
