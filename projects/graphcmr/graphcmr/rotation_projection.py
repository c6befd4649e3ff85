"""The rotation nearest to a 3 × 3 matrix, with a gradient that stays finite (thesis §2.3.3).

M = U·S·Vᵀ; the nearest rotation is R = U·diag(1, 1, det UVᵀ)·Vᵀ. The released code multiplies UVᵀ by its determinant
instead, which turns all three axes about where it is -1: a rotation too, but not the nearest one. It is kept as
``determinant='official'`` for comparison with the authors' networks; weights of theirs were trained with it.

The gradient is the one of the orthogonal factor itself and does not go through those of U, S and V, which are infinite
where singular values are equal: with M = R·P, P symmetric, an infinitesimal turn Ω of R solves
RᵀdM - dMᵀR = ΩP + PΩ; in the basis of P, Ω_ij = (RᵀdM - dMᵀR)_ij / (p_i + p_j). It is singular only where the rotation
itself is not unique (p_i + p_j = 0), and there the sum is bounded from below.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from das_mm.errors import UserError

#: smallest sum of two singular values that a gradient is divided by: as a share of the largest, and at all
_SMALLEST_SUM = 1e-3
_DETERMINANTS = ('right', 'official')


def project_to_rotation(matrices: Tensor, determinant: str = 'right') -> Tensor:
    """Matrices (*, 3, 3) to the rotations (*, 3, 3) nearest to them.

    Computed in float32 or better with autocast off. A matrix that is not finite gives NaN, alone.

    Args:
        matrices: Any leading dimensions.
        determinant: 'right', or 'official' for what the released code does where the determinant is negative.

    Raises:
        UserError: Another word for the determinant.

    Example:
        >>> project_to_rotation(torch.diag(torch.tensor([3.0, 2.0, -1.0]))).diagonal().tolist()
        [1.0, 1.0, 1.0]
        >>> project_to_rotation(torch.diag(torch.tensor([3.0, 2.0, -1.0])), 'official').diagonal().tolist()
        [-1.0, -1.0, 1.0]
    """
    if determinant not in _DETERMINANTS:
        raise UserError(
            f'{determinant!r} is no way to make a determinant 1',
            field='determinant',
            remedy=f'use one of {", ".join(_DETERMINANTS)}',
        )
    with torch.autocast(matrices.device.type, enabled=False):
        matrices = matrices.to(torch.promote_types(matrices.dtype, torch.float32))
        flat = matrices.reshape(-1, 3, 3)
        return _NearestRotation.apply(flat, determinant == 'official').reshape(matrices.shape)


class _NearestRotation(torch.autograd.Function):
    """(M, 3, 3) -> (M, 3, 3)."""

    @staticmethod
    def forward(ctx: Any, matrices: Tensor, official: bool) -> Tensor:
        finite = matrices.isfinite().all(-1).all(-1)[:, None, None]
        eye = torch.eye(3, dtype=matrices.dtype, device=matrices.device)
        left, values, right = torch.linalg.svd(torch.where(finite, matrices, eye))
        sign = torch.linalg.det(left @ right).sign()[:, None]
        if official:
            rotations = sign[..., None] * (left @ right)
        else:
            ones = torch.ones_like(sign)
            signs = torch.cat([ones, ones, sign], dim=1)
            rotations = (left * signs[:, None]) @ right
            values = values * signs  # the eigenvalues of P
        ctx.save_for_backward(rotations, values, right, sign)
        ctx.official = official
        return torch.where(finite, rotations, torch.nan)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        rotations, values, right, sign = ctx.saved_tensors
        gradient = gradients[0]
        if ctx.official:  # the determinant is a constant: R = det · Q with the orthogonal factor Q
            gradient, rotations = gradient * sign[..., None], rotations * sign[..., None]
        turn = rotations.mT @ gradient
        turn = right @ (turn - turn.mT) @ right.mT  # in the basis of P
        sums = values[:, :, None] + values[:, None, :]
        smallest = _SMALLEST_SUM * values.abs().amax(1)[:, None, None].clamp(min=1)
        turn = turn / torch.maximum(sums, smallest)
        return rotations @ right.mT @ turn @ right, None
