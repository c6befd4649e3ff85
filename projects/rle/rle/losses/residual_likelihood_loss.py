"""The loss of a keypoint regressor: residual log-likelihood estimation in its forms, or a baseline of the same family.

Shapes: B people, K keypoints, D coordinates.
"""

from __future__ import annotations

from torch import Tensor, nn

from das_mm.errors import UserError
from das_mm.models.losses import DLELoss, KeypointRLELoss
from das_mm.registry import MODELS

FORMULAS = ('paper', 'official')


@MODELS.register_module()
class OfficialDLELoss(DLELoss):
    """The released code without its Q (``residual = False`` there): log σ_d - log G(z) for each coordinate.

    The one number log G is added to every coordinate of the keypoint, so that the sum is ``Σ log σ - D·log G``, where
    :class:`.DLELoss` (RLE Eq. 5) has ``Σ log σ - log G``.
    """

    def residual_loss(self, z: Tensor, log_sigma: Tensor) -> Tensor:
        return log_sigma - self.flow.log_prob(z)[:, None]


def residual_criterion(
    dims: int,
    formula: str = 'official',
    q: str | dict = 'laplace',
    residual: bool = True,
    flow: dict | nn.Module | None = None,
    log_s: bool = False,
) -> dict:
    """Config of the loss on flattened keypoints for the switches of the paper.

    ==========  ========  ==============================================================================================
    formula     residual  loss of a keypoint, z = (target - pred) / σ
    ==========  ========  ==============================================================================================
    'paper'     yes       -log Q(z) - log G(z) + Σ log σ_d (Eq. 8), with - log s where ``log_s``
    'paper'     no        -log G(z) + Σ log σ_d (Eq. 5, "DLE")
    'official'  yes       -log Q(z) - D·log G(z) + 2·Σ log σ_d; Q 'laplace' is |z|/√2 + log √(2π) per coordinate
    'official'  no        -D·log G(z) + Σ log σ_d
    ==========  ========  ==============================================================================================

    Args:
        dims: D.
        formula: 'paper' or 'official', the released code.
        q: 'laplace', 'gaussian', or the config of a prior.
        residual: Off: no Q, "direct" estimation.
        flow: Arguments of the flow (``hidden``, ``num_linear``, …), or a flow module to share. By default the sizes of
            both; with the official formula it starts from torch's own initialisation, as the released code does.
        log_s: With the normaliser of Eq. 8, which the released code leaves out; for the paper's formula only.

    Raises:
        UserError: An unknown formula, or ``log_s`` where there is none.
    """
    if formula not in FORMULAS:
        raise UserError(
            f'there is no formula {formula!r}', field='formula', remedy=f'use one of: {", ".join(FORMULAS)}'
        )
    if log_s and (formula == 'official' or not residual):
        raise UserError(
            'log s belongs to Eq. 8', field='log_s', remedy="leave it out, or use formula='paper' with residual=True"
        )
    official = formula == 'official'
    if not isinstance(flow, nn.Module):
        flow = dict(type='RealNVP', dims=dims, init_gain=None if official else 0.01) | (flow or {})
    if not residual:
        return dict(type='OfficialDLELoss' if official else 'DLELoss', flow=flow)
    if not official:
        return dict(type='RLELoss', flow=flow, prior=q, normalized=log_s)
    return dict(
        type='OfficialRLELoss', flow=flow, prior='gaussian' if q == 'gaussian' else None if q == 'laplace' else q
    )


@MODELS.register_module()
class ResidualLikelihoodLoss(KeypointRLELoss):
    """Sum over the labelled keypoints divided by the batch size; see :func:`residual_criterion` for the switches.

    The raw σ of the network passes a sigmoid here. A keypoint of weight 0 is shown neither to Q nor to the flow.

    Args:
        dims, formula, q, residual, flow, log_s: See :func:`residual_criterion`.
        criterion: Config of another loss of the family in its place: ``dict(type='L1PoseLoss')``, ``L2PoseLoss``
            (constant variance), ``GaussianNLLLoss``, ``LaplaceNLLLoss`` (learned σ, no flow).
    """

    def __init__(
        self,
        dims: int = 2,
        formula: str = 'official',
        q: str | dict = 'laplace',
        residual: bool = True,
        flow: dict | nn.Module | None = None,
        log_s: bool = False,
        criterion: dict | None = None,
    ):
        super().__init__(criterion or residual_criterion(dims, formula, q, residual, flow, log_s))

    @property
    def uses_sigma(self) -> bool:
        """Whether it learns σ, so that the network needs a layer for it."""
        return self.criterion.uses_sigma

    def forward(
        self, pred: Tensor, sigma: Tensor | None, target: Tensor, target_weight: Tensor | None = None
    ) -> Tensor:
        """As in the parent; ``sigma`` (B, K, D) before the sigmoid, None for a loss that does not learn it."""
        if sigma is not None:
            return super().forward(pred, sigma, target, target_weight)
        if target_weight is not None:
            target_weight = target_weight.flatten(0, 1)
        return self.criterion(pred.flatten(0, 1), None, target.flatten(0, 1), target_weight, avg_factor=len(pred))
