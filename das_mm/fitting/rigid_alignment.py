"""Turning bodies so that their keypoints lie as those of people do."""

from __future__ import annotations

import torch
from torch import Tensor


def rigid_rotation(source: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Rotations (P, 3, 3) that turn weighted points about their weighted mean nearest to others (Kabsch).

    Args:
        source, target: (P, K, 3).
        weights: (P, K), not negative.

    Example:
        >>> points = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]]])
        >>> turn = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        >>> bool(torch.allclose(rigid_rotation(points, points @ turn.T, torch.ones(1, 4))[0], turn, atol=1e-5))
        True
    """
    share = (weights / weights.sum(1, keepdim=True).clamp(min=1e-12))[..., None]
    source = source - (share * source).sum(1, keepdim=True)
    target = target - (share * target).sum(1, keepdim=True)
    U, _, Vt = torch.linalg.svd((share * target).mT @ source)
    signs = torch.ones_like(U[:, 0])
    signs[:, 2] = torch.linalg.det(U @ Vt).sign()
    return U @ (signs[..., None] * Vt)
