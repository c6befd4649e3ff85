"""Our losses in the heads of mmpose."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor

from das_mm.registry import MODELS

from .scale import positive_scale


@MODELS.register_module()
class KeypointRLELoss(BaseModule):
    """A loss of the likelihood family where mmpose's ``RLEHead`` has its ``RLELoss``, in any dimension.

    In a config of mmpose's scope: ``head=dict(type='RLEHead', …, loss=dict(type='das_mm.KeypointRLELoss'))``. Like
    mmpose's it applies the sigmoid to σ itself and divides the sum over keypoints by the batch size; unlike mmpose's it
    counts log σ once and never shows the flow a keypoint that is not labelled.

    Args:
        criterion: Config of the loss on flattened keypoints; ``RLELoss`` with a 2D flow by default. Other dimensions:
            ``dict(type='RLELoss', flow=dict(type='RealNVP', dims=3))``.
    """

    def __init__(self, criterion: dict | None = None):
        super().__init__()
        criterion = criterion or dict(type='RLELoss', flow=dict(type='RealNVP', dims=2))
        # our names must be found from mmpose's scope as well
        self.criterion = MODELS.build({'_scope_': 'das_mm', **criterion})

    def forward(self, pred: Tensor, sigma: Tensor, target: Tensor, target_weight: Tensor | None = None) -> Tensor:
        """Sum over the labelled keypoints divided by the batch size.

        Args:
            pred: (B, K, D) predicted coordinates.
            sigma: (B, K, D) raw scale, before the sigmoid.
            target: (B, K, D) labels.
            target_weight: (B, K), (B, K, 1) or (B, K, D).

        Returns:
            Scalar.
        """
        if target_weight is not None:
            target_weight = target_weight.flatten(0, 1)
        return self.criterion(
            pred.flatten(0, 1),
            positive_scale(sigma).flatten(0, 1),
            target.flatten(0, 1),
            target_weight,
            avg_factor=len(pred),
        )
