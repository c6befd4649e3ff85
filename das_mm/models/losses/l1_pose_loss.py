"""L1 on coordinates with the signature of the likelihood losses: "MLE off" (DAS Table 6)."""

from __future__ import annotations

from torch import Tensor

from das_mm.registry import MODELS

from .pose_loss import PoseLoss


@MODELS.register_module()
class L1PoseLoss(PoseLoss):
    """|target - pred| per coordinate. σ is not judged and may be None; where it is given, it stays in the graph with a
    gradient of zero, so that a head with a σ branch trains under DistributedDataParallel as it is."""

    uses_sigma = False

    def coordinate_loss(self, pred: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
        return (target - pred).abs() + 0 * sigma
