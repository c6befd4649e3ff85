"""Negative log-likelihood of a standardised residual: parent of RLE and DLE, and the members without a flow.

Shapes: N keypoints, D coordinates each, M <= N rows that count.
"""

from __future__ import annotations

import torch
from torch import Tensor

from das_mm.registry import MODELS

from .pose_loss import PoseLoss
from .priors import build_prior

# σ below this gives the loss (and 1/σ in its gradients) this value instead: 0.001 px at stride 8
SIGMA_FLOOR = 1e-4
# |z| above this grows as its logarithm, see `bounded`
RESIDUAL_BOUND = 1e3
# no coordinate in any unit in use comes near; keeps (target - pred) / σ far from overflow
_ERROR_LIMIT = 1e12


def bounded(z: Tensor) -> Tensor:
    """z where |z| <= RESIDUAL_BOUND, beyond it ±(RESIDUAL_BOUND + log(1 + |z| - RESIDUAL_BOUND)): once differentiable.

    The flow's base density is Gaussian, so a wrong annotation a million σ away would otherwise cost 1e12.
    """
    excess = (z.abs() - RESIDUAL_BOUND).clamp(min=0)
    return z.clamp(-RESIDUAL_BOUND, RESIDUAL_BOUND) + z.sign() * excess.log1p()


def floored_scale(sigma: Tensor) -> Tensor:
    """σ, at least SIGMA_FLOOR; the gradient passes even below the floor, so that a collapsed σ can grow again."""
    return sigma + (sigma.clamp(min=SIGMA_FLOOR) - sigma).detach()


class LikelihoodLoss(PoseLoss):
    """Loss in z = (target - pred) / σ and log σ (RLE Eq. 5).

    Exact for |z| <= 1e3 and σ >= 1e-4. Beyond, z is :func:`bounded` and σ is :func:`floored_scale`, so that no finite
    label can make the loss or a gradient infinite or NaN. A prediction that is NaN stays NaN: that is the network's
    failure and must be seen.
    """

    def residual_loss(self, z: Tensor, log_sigma: Tensor) -> Tensor:
        """Loss of each coordinate, (M, D) of (M, D).

        A term of the row as a whole is shared out over its coordinates, hence weighted by the mean of their weights.
        """
        raise NotImplementedError

    def log_density(self, z: Tensor) -> Tensor:
        """log of the density of z that this loss stands for, perhaps not normalised: (N, D) -> (N,)."""
        raise NotImplementedError

    def sample_residuals(self, n: int, generator: torch.Generator | None = None, num_dims: int | None = None) -> Tensor:
        """n samples of z from that density (normalised), (n, D); ``num_dims`` as in :meth:`resolve_dims`."""
        raise NotImplementedError

    def fitted_density(self) -> LikelihoodLoss:
        """The loss whose density is the one that training fits to z."""
        return self

    def resolve_dims(self, num_dims: int | None) -> int:
        """D: of the flow where there is one, else what the caller says.

        Raises:
            ValueError: The two disagree, or neither is there.
        """
        if num_dims is None:
            raise ValueError(f'{type(self).__name__} has no flow, so it has any number of dimensions: give num_dims')
        return num_dims

    def coordinate_loss(self, pred: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
        sigma = floored_scale(sigma)
        error = (target - pred).clamp(-_ERROR_LIMIT, _ERROR_LIMIT)
        return self.residual_loss(bounded(error / sigma), sigma.log())


class _PriorNLLLoss(LikelihoodLoss):
    """-log Q(z) + log σ for a fixed density Q ("flow off")."""

    prior_name: str

    def __init__(self, loss_weight: float = 1.0):
        super().__init__(loss_weight)
        self.prior = build_prior(self.prior_name)

    def residual_loss(self, z: Tensor, log_sigma: Tensor) -> Tensor:
        return log_sigma - self.prior.log_density(z)

    def log_density(self, z: Tensor) -> Tensor:
        return self.prior.log_density(z).sum(dim=1)

    def sample_residuals(self, n: int, generator: torch.Generator | None = None, num_dims: int | None = None) -> Tensor:
        return self.prior.sample(n, self.resolve_dims(num_dims), generator)


@MODELS.register_module()
class LaplaceNLLLoss(_PriorNLLLoss):
    """|z| + log 2 + log σ per coordinate: a Laplace density of learned scale (RLE Table 7)."""

    prior_name = 'laplace'


@MODELS.register_module()
class GaussianNLLLoss(_PriorNLLLoss):
    """z²/2 + log √(2π) + log σ per coordinate: a normal density of learned scale (RLE Eq. 2, Table 7)."""

    prior_name = 'gaussian'
