"""RLE as the released code computes it, kept so that both forms can be compared."""

from __future__ import annotations

from torch import Tensor, nn

from das_mm.registry import MODELS

from .rle_loss import RLELoss


@MODELS.register_module()
class OfficialRLELoss(RLELoss):
    """The form of the released code of RLE and DAS, in which log σ counts twice.

    Per coordinate, with e = target - pred, z = e / σ and D coordinates, that code adds

    * ``log(σ·√(2π)) + |e| / (√2·σ)``, its Q: a Laplace kernel of scale √2 with a Gaussian's normaliser, and
    * ``log σ - log G(z)``, the flow's part, with the one number log G spread unshared over the D coordinates.

    The sum over a keypoint is ``Σ|z|/√2 + 2·Σ log σ - D·log G + D·log √(2π)``, so it differs from :class:`RLELoss` with
    the same Q by exactly ``Σ log σ - (D - 1)·log G``. Against a fixed density doubling log σ would halve the best σ;
    here the flow makes up for it.

    With ``prior='laplace'`` or ``'gaussian'`` this is mmpose's ``RLELoss`` (which further applies the sigmoid itself,
    mirrors the residual and divides by the batch size: see :class:`.KeypointRLELoss`). :meth:`log_density` is that of
    the model it stands for, Q·G.

    Args:
        flow: Config of the flow G, or a flow module to share.
        prior: Q; by default the released one.
        loss_weight: Factor on the result.
    """

    def __init__(self, flow: dict | nn.Module, prior: str | dict | None = None, loss_weight: float = 1.0):
        super().__init__(flow, prior or dict(type='ReleasedLaplacePrior'), loss_weight)

    def residual_loss(self, z: Tensor, log_sigma: Tensor) -> Tensor:
        return 2 * log_sigma - self.prior.log_density(z) - self.flow.log_prob(z)[:, None]
