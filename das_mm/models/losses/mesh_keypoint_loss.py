"""Losses on the keypoints of a recovered body: in the image, and in space relative to the root.

Both are what ROMP uses and DAS takes over with a tenth of its weights: the mean Euclidean distance over the labelled
keypoints of a person, in units of half the input's side (2D) and in metres (3D).

Shapes: N people, K keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor

from das_mm.registry import MODELS


class _MeshKeypointLoss(BaseModule):
    """Mean distance over the keypoints that count of each person, summed over people and divided by ``avg_factor``.

    Computed in float32 or better with autocast off. Keypoints of weight zero may hold anything, and so may their
    predictions; labels that are not finite count as not labelled. Without anything to judge the result is a zero
    connected to the prediction.
    """

    dims: int

    def __init__(self, unit: float, loss_weight: float):
        super().__init__()
        self.unit, self.loss_weight = unit, loss_weight

    def _prepared(self, points: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Points (N, K, D) and weights (N, K) as they are compared."""
        return points, weight

    def forward(
        self, pred: Tensor, target: Tensor, weight: Tensor | None = None, avg_factor: Tensor | float | None = None
    ) -> Tensor:
        """
        Args:
            pred: (N, K, D).
            target: (N, K, D), the same unit and frame.
            weight: (N, K), or (N, 1) where a person is judged as a whole; 0 means not labelled.
            avg_factor: Divisor; None means the number of people with a labelled keypoint.

        Returns:
            Scalar.

        Raises:
            ValueError: Shapes that do not fit.
        """
        if pred.ndim != 3 or pred.shape != target.shape or pred.shape[2] != self.dims:
            raise ValueError(
                f'{type(self).__name__} needs pred and target of one shape (N, K, {self.dims}), got '
                f'{tuple(pred.shape)} and {tuple(target.shape)}'
            )
        with torch.autocast(pred.device.type, enabled=False):
            pred, target = (x.to(torch.promote_types(x.dtype, torch.float32)) for x in (pred, target))
            weight = torch.ones_like(pred[..., 0]) if weight is None else weight.to(pred.dtype).expand(pred.shape[:2])
            weight = torch.where(target.isfinite().all(-1), weight, 0)
            target = torch.where(weight[..., None] > 0, target, 0)
            # a prediction that does not count must not reach the sum: 0 · NaN is NaN, in the gradient too
            pred = torch.where(weight[..., None] > 0, pred, 0)
            (pred, counts), (target, _) = self._prepared(pred, weight), self._prepared(target, weight)
            distance = torch.linalg.vector_norm(pred - target, dim=-1) / self.unit  # (N, K)
            total_weight = counts.sum(1)
            mean = (distance * counts).sum(1) / total_weight.clamp(min=torch.finfo(torch.float32).eps)  # (N,)
            judged = total_weight > 0
            divisor = torch.as_tensor(
                judged.sum() if avg_factor is None else avg_factor, dtype=mean.dtype, device=mean.device
            )
            return (
                self.loss_weight
                * torch.where(judged, mean, 0).sum()
                / divisor.clamp(min=torch.finfo(torch.float32).eps)
                + 0 * pred.sum()
            )


@MODELS.register_module()
class MeshKeypoint2DLoss(_MeshKeypointLoss):
    """Distance of projected keypoints (N, K, 2) px of the network input from the labels.

    Args:
        unit_px: The distance that counts as 1. ROMP's keypoints run from -1 to 1 over its input: half its side.
        loss_weight: Factor on the result (DAS: 40).

    Example:
        >>> loss = MeshKeypoint2DLoss(unit_px=256.0)
        >>> loss(torch.tensor([[[0., 0.], [9., 9.]]]), torch.tensor([[[0., 64.], [0., 0.]]]), torch.tensor([[1., 0.]]))
        tensor(0.2500)
    """

    dims = 2

    def __init__(self, unit_px: float = 256.0, loss_weight: float = 1.0):
        super().__init__(unit_px, loss_weight)


@MODELS.register_module()
class MeshKeypoint3DLoss(_MeshKeypointLoss):
    """Distance of keypoints (N, K, 3) mm from the labels, each pose relative to its own root, in metres.

    Args:
        root: Indices of the keypoints whose mean is the root (both hips, say). People without all of them labelled
            are left out.
        loss_weight: Factor on the result (DAS: 20).

    Example:
        >>> loss = MeshKeypoint3DLoss(root=[0])
        >>> loss(torch.tensor([[[0., 0., 0.], [0., 500., 0.]]]), torch.tensor([[[7., 7., 7.], [7., 7., 7.]]]))
        tensor(0.2500)
    """

    dims = 3

    def __init__(self, root: Sequence[int], loss_weight: float = 1.0):
        super().__init__(1000.0, loss_weight)
        self.root = [int(index) for index in root]

    def _prepared(self, points: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        rooted = (weight[:, self.root] > 0).all(1, keepdim=True)
        return points - points[:, self.root].mean(1, keepdim=True), weight * rooted
