"""Squared errors on the parameters of a body, with the interface of the losses on keypoints.

A config chooses for each group of parameters one of these or a likelihood: shape as ``L2ParameterLoss`` or ``RLELoss``
with a flow of 10 dimensions, each joint's rotation as ``RotationL2Loss`` or ``RLELoss`` with a flow of 6 (DAS journal
§3.4: the squared error of ROMP, replaced by RLE; Table 8).

Shapes: N rows (people, or people and joints flattened), D numbers each, M <= N rows that count.
"""

from __future__ import annotations

import torch
from torch import Tensor

from das_mm.registry import MODELS
from das_mm.structures.tensor_rotations import rotation_6d_to_matrix

from .pose_loss import PoseLoss


@MODELS.register_module()
class L2ParameterLoss(PoseLoss):
    """Mean over D of (target - pred)² of each row. σ is not judged and may be None, as in :class:`.L1PoseLoss`.

    Example:
        >>> L2ParameterLoss()(torch.zeros(2, 10), None, torch.full((2, 10), 3.0))
        tensor(9.)
    """

    uses_sigma = False

    def coordinate_loss(self, pred: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
        return (target - pred).square() / pred.shape[1] + 0 * sigma


class _RotationLoss(PoseLoss):
    """Judges the rotations that 6D numbers stand for, so that all 6D vectors of one rotation are as good (D = 6)."""

    joint = True
    uses_sigma = False

    def rotation_loss(self, difference: Tensor) -> Tensor:
        """(M, 3, 3) difference of rotation matrices -> (M,)."""
        raise NotImplementedError

    def coordinate_loss(self, pred: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
        if pred.shape[1] != 6:
            raise ValueError(f'{type(self).__name__} takes one rotation of 6 numbers a row, got {pred.shape[1]}')
        loss = self.rotation_loss(rotation_6d_to_matrix(pred) - rotation_6d_to_matrix(target))  # (M,)
        return loss[:, None] / 6 + 0 * sigma  # a term of the row as a whole is shared out over its numbers


@MODELS.register_module()
class RotationL2Loss(_RotationLoss):
    """Squared Frobenius distance of the rotation matrices, 8·sin²(a/2) for rotations an angle a apart (as SPIN, whose
    mean over the nine entries is a ninth of it)."""

    def rotation_loss(self, difference: Tensor) -> Tensor:
        return difference.square().sum(dim=(1, 2))


@MODELS.register_module()
class RotationDistanceLoss(_RotationLoss):
    """Frobenius distance of the rotation matrices, not squared: what ROMP calls its L2 loss on the pose. The paper's
    weights (8 for the pose) are a tenth of ROMP's, so they belong to this form."""

    def rotation_loss(self, difference: Tensor) -> Tensor:
        return torch.linalg.vector_norm(difference, dim=(1, 2))
