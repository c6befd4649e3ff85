"""What a fit is judged by, each term for itself; the priors are :mod:`das_mm.models.losses.body_priors`.

Letters: B people, K keypoints. Every term gives one number a person, (B,), that depends on nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def geman_mcclure(residuals: Tensor, sigma: float) -> Tensor:
    """ρ(e) = σ²e² / (σ² + e²), elementwise; near e² for small ones, never above σ².

    Example:
        >>> geman_mcclure(torch.tensor([0.0, 100.0]), 100.0)
        tensor([   0., 5000.])
    """
    squared = residuals.square()
    return sigma**2 * squared / (sigma**2 + squared)


def reprojection_energy(projected: Tensor, keypoints: Tensor, sigma_px: float = 100.0) -> Tensor:
    """c²·(ρ(Δx) + ρ(Δy)) of every keypoint: the robust function sees each coordinate by itself (SPIN).

    Args:
        projected: (B, K, 2) px.
        keypoints: (B, K, 3) px, px, confidence; positions are finite, also where the confidence is 0.
        sigma_px: σ of the robust function.

    Returns:
        (B, K); its sum over keypoints is the energy, its mean over all K the quality of a fit.
    """
    return keypoints[..., 2].square() * geman_mcclure(projected - keypoints[..., :2], sigma_px).sum(-1)


def torso_energy(
    projected: Tensor, keypoints: Tensor, annotated: Sequence[int], detected: Sequence[int] | None = None
) -> Tensor:
    """Squared pixel errors of hips and shoulders, what the camera stage looks at.

    Args:
        projected: (B, K, 2) px.
        keypoints: (B, K, 3) px, px, confidence.
        annotated: Indices of the torso's keypoints.
        detected: Indices of the same keypoints as a detector tells them. They are used instead for whom all of them are
            detected; None: there are none.

    Returns:
        (B,) Σ c²·|Δ|². The released code of SPIN does not weigh by c²; it sees only confidences of 1 and of 0.
    """
    errors = keypoints[..., 2].square() * (projected - keypoints[..., :2]).square().sum(-1)  # (B, K)
    energy = errors[:, list(annotated)].sum(1)
    if detected is None:
        return energy
    all_detected = (keypoints[:, list(detected), 2] > 0).all(1)
    return torch.where(all_detected, errors[:, list(detected)].sum(1), energy)


def anchor_energy(depth: Tensor, start: Tensor) -> Tensor:
    """Squared distance (B,) m² of depths (B,) m from those at the start, which the image alone says little of."""
    return (depth - start).square()
