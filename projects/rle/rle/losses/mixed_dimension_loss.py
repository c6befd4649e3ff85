"""The loss of people of whom some have depths: two flows, one for (x, y) and one for (x, y, depth).

Shapes: B people, K keypoints, N = B·K.
"""

from __future__ import annotations

from typing import cast

from mmengine.model import BaseModule
from torch import Tensor

from das_mm.models.losses import PoseLoss, positive_scale
from das_mm.registry import MODELS

from .residual_likelihood_loss import residual_criterion


@MODELS.register_module()
class MixedDimensionLoss(BaseModule):
    """A keypoint is judged by the 3D density only if its own depth has a weight, else by the 2D one on (x, y) (§5).

    Keypoints without a depth weight therefore never reach the 3D flow: those of photographs (MPII) with their own
    weights, and the hidden ones of people with depths, whose weights are all 0. The sum is divided by the batch size;
    without any weight it is 0.

    Args:
        formula, q, residual, log_s: See :func:`residual_criterion`.
        flow: Arguments of both flows.
        criterion: Config of another loss of the family, without a flow, for both.
    """

    def __init__(
        self,
        formula: str = 'official',
        q: str | dict = 'laplace',
        residual: bool = True,
        flow: dict | None = None,
        log_s: bool = False,
        criterion: dict | None = None,
    ):
        super().__init__()

        def build(dims: int) -> PoseLoss:
            cfg = criterion or residual_criterion(dims, formula, q, residual, flow, log_s)
            return cast(PoseLoss, MODELS.build({'_scope_': 'das_mm', **cfg}))

        self.criterion_2d, self.criterion_3d = build(2), build(3)

    @property
    def uses_sigma(self) -> bool:
        """Whether it learns σ."""
        return self.criterion_3d.uses_sigma

    def forward(self, pred: Tensor, sigma: Tensor | None, target: Tensor, target_weight: Tensor) -> Tensor:
        """Scalar.

        Args:
            pred: (B, K, 3) coordinates.
            sigma: (B, K, 3) raw scale, before the sigmoid; None for a loss that does not learn it.
            target: (B, K, 3) labels; the depth may be anything (NaN too) where its weight is 0.
            target_weight: (B, K, 3).

        Raises:
            ValueError: Arrays of other shapes.
        """
        if pred.shape[-1] != 3 or not pred.shape == target.shape == target_weight.shape:
            raise ValueError(
                'people with and without depths need pred, target and weights of one shape (B, K, 3), got '
                f'{tuple(pred.shape)}, {tuple(target.shape)}, {tuple(target_weight.shape)}'
            )
        scale = None if sigma is None else positive_scale(sigma).flatten(0, 1)
        pred, target, weight = pred.flatten(0, 1), target.flatten(0, 1), target_weight.flatten(0, 1)  # (N, 3)
        has_depth = weight[:, 2] > 0
        batch_size = len(target_weight)
        total = pred.new_zeros(())
        for criterion, rows, dims in ((self.criterion_2d, ~has_depth, 2), (self.criterion_3d, has_depth, 3)):
            shown = (None if x is None else x[rows, :dims] for x in (pred, scale, target, weight))
            total = total + criterion(*shown, avg_factor=batch_size)
        return total
