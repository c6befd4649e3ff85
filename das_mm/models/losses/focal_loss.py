"""Sigmoid focal loss (Lin et al., ICCV 2017) on torchvision, which needs no compiled mmcv operation."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn.functional import one_hot
from torchvision.ops import sigmoid_focal_loss

from das_mm.errors import UserError
from das_mm.registry import MODELS


@MODELS.register_module()
class SigmoidFocalLoss(BaseModule):
    """-α_t (1 - p_t)^γ log p_t, in float32 with autocast off.

    Args:
        gamma: Exponent that plays down what is classified well already.
        alpha: Weight of the positives (1 - alpha for the negatives).
        loss_weight: Factor on the result.
        use_sigmoid: True; it stands here for the heads of mmdet, which ask a loss's config for it.
    """

    def __init__(self, gamma: float = 2.0, alpha: float = 0.25, loss_weight: float = 1.0, use_sigmoid: bool = True):
        super().__init__()
        if not use_sigmoid:
            raise UserError(
                'this loss is that of independent classes',
                field='use_sigmoid',
                remedy='leave it out, or set it to True',
            )
        self.gamma, self.alpha, self.loss_weight = gamma, alpha, loss_weight

    def forward(
        self, logits: Tensor, targets: Tensor, weight: Tensor | None = None, avg_factor: Tensor | float | None = None
    ) -> Tensor:
        """Weighted sum divided by ``avg_factor``.

        Args:
            logits: (N,), or (N, C) of C classes, before the sigmoid. N may be 0.
            targets: 0 and 1, any dtype and the shape of ``logits``; or, as in mmdet, (N,) numbers of classes with C for
                the background.
            weight: Of the shape of ``logits``, or (N,); 0 leaves a location out.
            avg_factor: Divisor; None means N.

        Returns:
            Scalar.

        Raises:
            ValueError: Shapes differ.
        """
        if logits.ndim == 2 and targets.ndim == 1 and len(targets) == len(logits):
            targets = one_hot(targets.long(), logits.shape[1] + 1)[:, :-1]
        if logits.ndim == 2 and weight is not None and weight.ndim == 1 and len(weight) == len(logits):
            weight = weight[:, None].expand_as(logits)
        if not logits.shape == targets.shape or (weight is not None and weight.shape != logits.shape):
            raise ValueError(
                f'logits {tuple(logits.shape)}, targets {tuple(targets.shape)} and weight must be of one shape'
            )
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
            loss = sigmoid_focal_loss(logits, targets.to(logits.dtype), self.alpha, self.gamma)
            total = (loss if weight is None else loss * weight).sum()
            divisor = torch.as_tensor(
                len(logits) if avg_factor is None else avg_factor, dtype=total.dtype, device=total.device
            )
            return self.loss_weight * total / divisor.clamp(min=torch.finfo(torch.float32).eps)
