"""What ProSkeleton learns by (thesis §4.4; the released trainer's reductions): likelihood, and the mode's distance."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor

from das_mm.registry import MODELS

from .skeleton_flow import SkeletonFlow


@MODELS.register_module()
class SkeletonLoss(BaseModule):
    """L = λ_nll·L_nll + λ_mode·L_mode + λ_exp·L_exp.

    * L_nll: -mean log p(X + noise·ε; c);
    * L_mode: Σ abs(X̂ - X) of the mode over 16 joints and x, y, z, / B, metres;
    * L_exp: the same of one random sample, through which the flow and the encoder learn (weight 0 as released: none is
      drawn then).

    B are the people of the batch whose pose is known; without any all terms are 0.

    Args:
        nll_weight, mode_weight, expectation_weight: The λ. Without the first the loss is that of a regression.
        noise: m, standard deviation of what is added to the labels of L_nll.
    """

    def __init__(
        self, nll_weight: float = 0.001, mode_weight: float = 1.0, expectation_weight: float = 0.0, noise: float = 0.005
    ) -> None:
        super().__init__()
        self.nll_weight, self.mode_weight, self.expectation_weight = nll_weight, mode_weight, expectation_weight
        self.noise = noise

    def forward(self, flow: SkeletonFlow, context: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Losses of B people whose pose is known.

        Args:
            flow: In training mode.
            context: (B, C).
            targets: (B, 16, 3) m about the pelvis.
        """
        if not len(targets):
            nothing = context.sum() * 0
            return dict(loss_mode=nothing)
        losses = {}
        if self.expectation_weight:
            away = (flow.sample(1, context).points - targets[:, None]).abs()
            losses['loss_expectation'] = self.expectation_weight * away.sum() / len(targets)
        away = (flow.mode(context).points - targets[:, None]).abs()
        losses['loss_mode'] = self.mode_weight * away.sum() / len(targets)
        if self.nll_weight:
            noisy = targets + self.noise * torch.randn_like(targets)
            losses['loss_nll'] = -self.nll_weight * flow.log_prob(noisy[:, None], context)[0].mean()
        return losses
