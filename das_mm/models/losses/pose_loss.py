"""What the losses on keypoint coordinates share: which rows count, in what precision, and by what they are divided.

Shapes: N keypoints (people and keypoints flattened), D coordinates each, M <= N rows that count.
"""

from __future__ import annotations

import warnings

import torch
from mmengine.model import BaseModule
from torch import Tensor


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


class PoseLoss(BaseModule):
    """Loss on N flattened keypoints with one signature for the whole family.

    Subclasses give :meth:`coordinate_loss`. Everything is computed in float32 (or float64 for float64 inputs) with
    autocast off. Rows of weight zero are removed before it is called, and so are rows whose weighted target is not
    finite (one warning). Without any row left the result is a zero connected to the inputs and to all parameters, which
    is what DistributedDataParallel needs.

    Args:
        loss_weight: Factor on the result.
    """

    # the coordinates of a row are judged together, so all or none of them must be weighted
    joint = False
    # whether σ is learnt by this loss; where it is not, a network needs no branch for it
    uses_sigma = True

    def __init__(self, loss_weight: float = 1.0):
        super().__init__()
        self.loss_weight = loss_weight

    def coordinate_loss(self, pred: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
        """Loss of each coordinate, (M, D), of rows that count."""
        raise NotImplementedError

    def forward(
        self,
        pred: Tensor,
        sigma: Tensor | None,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: Tensor | float | None = None,
    ) -> Tensor:
        """Weighted sum over the keypoints divided by ``avg_factor``.

        Args:
            pred: (N, D) predicted coordinates, in any unit.
            sigma: (N, D) predicted scale in the same unit, positive already (:func:`positive_scale`). None only where
                ``uses_sigma`` is false.
            target: (N, D) labels in the same unit.
            weight: (N, D), (N, 1) or (N,); 0 means not labelled (the target may be anything there, NaN too). A loss
                with a flow takes rows with all coordinates weighted or none.
            avg_factor: Divisor; None means the number of rows that count.

        Returns:
            Scalar.

        Raises:
            ValueError: Shapes that do not fit, or a row of a flow with some coordinates of weight zero.
        """
        if sigma is None and not self.uses_sigma:
            sigma = torch.ones_like(pred)
        if sigma is None or not pred.ndim == 2 or not pred.shape == sigma.shape == target.shape:
            raise ValueError(
                f'{type(self).__name__} needs pred, sigma and target of one shape (N, D), got '
                f'{tuple(pred.shape)}, {None if sigma is None else tuple(sigma.shape)}, '
                f'{tuple(target.shape)}'
            )
        with torch.autocast(pred.device.type, enabled=False):
            pred, sigma, target = map(_at_least_float32, (pred, sigma, target))
            weight = self._expand_weight(weight, target)
            rows = self._rows_that_count(target, weight)
            pred, sigma, target, weight = (x[rows] for x in (pred, sigma, target, weight))  # (M, D)
            # an unlabelled coordinate of a row that counts may hold NaN, and 0 · NaN is NaN
            target = torch.where(weight > 0, target, pred.detach())
            total = (self.coordinate_loss(pred, sigma, target) * weight).sum()
            divisor = torch.as_tensor(
                len(pred) if avg_factor is None else avg_factor, dtype=total.dtype, device=total.device
            )
            return self.loss_weight * total / divisor.clamp(min=torch.finfo(torch.float32).eps)

    @staticmethod
    def _expand_weight(weight: Tensor | None, target: Tensor) -> Tensor:
        if weight is None:
            return torch.ones_like(target)
        if weight.ndim == 1:
            weight = weight[:, None]
        if weight.ndim != 2 or len(weight) != len(target) or weight.shape[1] not in (1, target.shape[1]):
            raise ValueError(f'weight of shape {tuple(weight.shape)} does not fit targets of {tuple(target.shape)}')
        return weight.to(target.dtype).expand_as(target)

    def _rows_that_count(self, target: Tensor, weight: Tensor) -> Tensor:
        """Indices (M,) of the rows that count."""
        weighted = weight > 0
        labelled = weighted.any(dim=1)
        sound = (target.isfinite() | ~weighted).all(dim=1)
        partial = labelled & ~weighted.all(dim=1)
        any_partial, any_unsound = torch.stack([partial.any(), (labelled & ~sound).any()]).tolist()
        if self.joint and any_partial:
            raise ValueError(
                f'{type(self).__name__} judges the {target.shape[1]} coordinates of a row together, but '
                'some rows have coordinates of weight zero: give these rows to a loss of fewer dimensions'
            )
        if any_unsound:
            warnings.warn(f'{type(self).__name__} left out labelled keypoints whose target is not finite', stacklevel=2)
        return (labelled & sound).nonzero().squeeze(1)
