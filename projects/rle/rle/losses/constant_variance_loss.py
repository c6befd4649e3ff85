"""ℓ2 on coordinates: the normal density of constant variance of RLE Table 7 (ℓ1 is :class:`das_mm…L1PoseLoss`)."""

from __future__ import annotations

from torch import Tensor

from das_mm.models.losses import L1PoseLoss
from das_mm.registry import MODELS


@MODELS.register_module()
class L2PoseLoss(L1PoseLoss):
    """(target - pred)² per coordinate (RLE §3.1). σ is not judged and may be None, as in the parent."""

    def coordinate_loss(self, pred: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
        return (target - pred).square() + 0 * sigma
