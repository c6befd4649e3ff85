"""The fixed density Q of residual log-likelihood estimation, one small class each.

Shapes: N residuals, D coordinates. All are products over coordinates and centred on zero.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from das_mm.registry import TASK_UTILS


@TASK_UTILS.register_module()
class LaplacePrior:
    """Laplace density of scale 1: -log Q = |z| + log 2 per coordinate (the papers' default).

    Attributes:
        log_mass: log of the integral of Q over a coordinate.
    """

    log_mass = 0.0

    def log_density(self, z: Tensor) -> Tensor:
        """(N, D) -> log Q of each coordinate, (N, D)."""
        return -z.abs() - math.log(2)

    def sample(self, n: int, dims: int, generator: torch.Generator | None = None, device=None) -> Tensor:
        """n samples (n, D)."""
        magnitude = torch.empty(n, dims, device=device).exponential_(generator=generator)
        sign = torch.randint(0, 2, (n, dims), generator=generator, device=device) * 2 - 1
        return magnitude * sign


@TASK_UTILS.register_module()
class GaussianPrior:
    """Standard normal density: -log Q = z²/2 + log √(2π) per coordinate.

    Attributes:
        log_mass: log of the integral of Q over a coordinate.
    """

    log_mass = 0.0

    def log_density(self, z: Tensor) -> Tensor:
        """(N, D) -> log Q of each coordinate, (N, D)."""
        return -0.5 * z.square() - 0.5 * math.log(2 * math.pi)

    def sample(self, n: int, dims: int, generator: torch.Generator | None = None, device=None) -> Tensor:
        """n samples (n, D)."""
        return torch.randn(n, dims, generator=generator, device=device)


@TASK_UTILS.register_module()
class ReleasedLaplacePrior(LaplacePrior):
    """The released code's Q: -log Q = |z|/√2 + log √(2π), a Laplace kernel of scale √2 with a Gaussian's normaliser.

    It integrates to 2√2 / √(2π) = 1.128 per coordinate; that constant does not matter for training, the wider kernel
    does.
    """

    log_mass = math.log(2 * math.sqrt(2) / math.sqrt(2 * math.pi))

    def log_density(self, z: Tensor) -> Tensor:
        """(N, D) -> log Q of each coordinate, (N, D)."""
        return -z.abs() / math.sqrt(2) - 0.5 * math.log(2 * math.pi)

    def sample(self, n: int, dims: int, generator: torch.Generator | None = None, device=None) -> Tensor:
        """n samples (n, D) of the kernel, normalised."""
        return math.sqrt(2) * super().sample(n, dims, generator, device)


_PRIOR_NAMES = dict(laplace='LaplacePrior', gaussian='GaussianPrior')


def build_prior(prior: str | dict):
    """A prior from ``'laplace'``, ``'gaussian'`` or a config ``dict(type='das_mm.…')``.

    Raises:
        ValueError: An unknown short name.
    """
    if isinstance(prior, str):
        if prior not in _PRIOR_NAMES:
            raise ValueError(f'unknown prior {prior!r}: use one of {sorted(_PRIOR_NAMES)} or a config')
        prior = dict(type=_PRIOR_NAMES[prior])
    # our names must be found from a config of another scope (mmpose's) as well
    return TASK_UTILS.build({'_scope_': 'das_mm', **prior})
