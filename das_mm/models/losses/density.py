"""The residual density that a loss has learned, on a grid: for plots (DAS Fig. 8) and calibration.

G integrates to 1, Q·G does not (RLE Eq. 7 and 8): the grid is normalised by a Riemann sum over a box of z, which is in
units of σ. The grid of G alone, without Q, is that of ``DLELoss(loss.flow)``. Shapes: R cells along an axis, D
dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .likelihood_loss import LikelihoodLoss

_CHUNK = 65536


@dataclass(frozen=True)
class DensityGrid:
    """A density on cells.

    Attributes:
        axes: Centres of the cells, one (R,) float64 for each dimension of ``density``.
        density: (R,) * len(axes), float64; sums to 1 over the cells times their volume.
        log_partition: log of the integral, over the box, of the density before it was normalised.
    """

    axes: tuple[Tensor, ...]
    density: Tensor
    log_partition: float

    def scaled(self, sigma: tuple[float, ...]) -> DensityGrid:
        """The density of the error itself, z·σ, for a keypoint of scale σ (one number for each axis), in σ's unit."""
        if len(sigma) != len(self.axes):
            raise ValueError(f'{len(self.axes)} axes need as many scales, got {len(sigma)}')
        volume = torch.tensor(sigma, dtype=torch.float64).prod().to(self.density)
        axes = tuple(axis * scale for axis, scale in zip(self.axes, sigma))
        return DensityGrid(axes, self.density / volume, self.log_partition)


@torch.no_grad()
def error_density_grid(
    loss: LikelihoodLoss,
    extent: float = 6.0,
    resolution: int = 64,
    dims: tuple[int, ...] = (0, 1),
    num_dims: int | None = None,
) -> DensityGrid:
    """The learned density of z on [-extent, extent]^D, normalised there and summed over the dimensions not asked for.

    Args:
        loss: A likelihood loss (RLE, DLE, or without a flow).
        extent: Half side of the box, in σ. What lies outside is lost from the normalisation.
        resolution: R, cells along each axis; even, so that the cusp of a Laplace density falls between cells.
        dims: Dimensions wanted, in the order wanted; one or two for plots.
        num_dims: D, for a loss without a flow (one with a flow knows).

    Returns:
        The grid over ``dims``.

    Raises:
        ValueError: More than 3 dimensions, an odd resolution, or dimensions that do not exist or repeat.
    """
    num_dims = loss.resolve_dims(num_dims)
    if not 1 <= num_dims <= 3:
        raise ValueError(f'a grid over {num_dims} dimensions is not practical: use loss.sample_residuals')
    if resolution % 2 or resolution < 2:
        raise ValueError(f'resolution must be even and positive, got {resolution}')
    if len(set(dims)) != len(dims) or not set(dims) <= set(range(num_dims)):
        raise ValueError(f'dims {dims} are not distinct dimensions of {num_dims}')
    cell = 2 * extent / resolution
    axis = (torch.arange(resolution, device=_device(loss), dtype=torch.float64) + 0.5) * cell - extent
    points = torch.cartesian_prod(*[axis] * num_dims).reshape(-1, num_dims)  # (R^D, D)
    log_p = torch.cat([loss.log_density(chunk.float()) for chunk in points.split(_CHUNK)]).double()
    log_mass = (log_p.logsumexp(dim=0) + num_dims * torch.tensor(cell, dtype=torch.float64).log()).item()
    density = (log_p - log_mass).exp().reshape([resolution] * num_dims)
    others = [d for d in range(num_dims) if d not in dims]
    if others:
        density = density.sum(dim=others) * cell ** len(others)
    kept = sorted(dims)
    return DensityGrid((axis,) * len(dims), density.permute([kept.index(d) for d in dims]), log_mass)


def log_partition(
    loss: LikelihoodLoss, extent: float = 12.0, resolution: int = 128, num_dims: int | None = None
) -> float:
    """log ∫ exp(log_density) over [-extent, extent]^D by a Riemann sum: -log s of RLE Eq. 8, 0 for a density that is
    normalised already.

    Arguments and errors as in :func:`error_density_grid`. D = 3 takes R^3 evaluations of the flow (some seconds on a
    CPU with the default R).
    """
    return error_density_grid(loss, extent, resolution, dims=(0,), num_dims=num_dims).log_partition


@torch.no_grad()
def residual_spread(
    loss: LikelihoodLoss, n: int = 20000, generator: torch.Generator | None = None, num_dims: int | None = None
) -> Tensor:
    """Standard deviation of z as the loss has fitted it, (D,): σ times this is the standard deviation of the error.

    With a flow it is that of G alone, which is what training fits to z (see :class:`.RLELoss`; of Q·G where it is
    normalised), and σ alone may be off by a factor of ten and more. Without a flow it is that of Q: √2 for Laplace, 1
    for a normal density.

    Args:
        loss: A likelihood loss.
        n: Samples drawn.
        generator: On the flow's device.
        num_dims: D, for a loss without a flow.
    """
    return loss.fitted_density().sample_residuals(n, generator, num_dims).std(dim=0)


def _device(loss: LikelihoodLoss) -> torch.device:
    return next((p.device for p in loss.parameters()), torch.device('cpu'))
