"""Root depth from the geometry of the torso (MAR §3.3), corrected and made safe.

A point of the 2.5D pose at pixel (u, v) has the ray r = K^-1 [u, v, 1]. With the root n at depth Z and the neck m at
Z + δ the torso is P_m - P_n = Z d + δ r_m, d = r_m - r_n, and its length Ω makes it a quadratic equation in Z:

    a = |d|²,   b = 2 δ d·r_m,   c = δ² |r_m|² - Ω²,   Z = (-b + √(b² - 4ac)) / 2a.

The paper prints the bracket of c squared, |r_m|⁴, which is wrong in its dimension (median error 56 mm on exact poses).
Letters: N people.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from das_mm.structures import back_project


@dataclass(frozen=True)
class TorsoLimits:
    """Where the equation is too ill to be used.

    Attributes:
        min_angle: Least |d|, about the angle in rad under which the torso is seen: below, it lies along the ray.
        min_share: Least share of the torso that lies along d, √D / (2 √a Ω). At 0 the two roots meet and the gradient
            is infinite.
        depth_mm: Least and greatest depth.
    """

    min_angle: float = 3e-3
    min_share: float = 0.1
    depth_mm: tuple[float, float] = (200.0, 60_000.0)


@dataclass
class GeometricDepth:
    """Depths of N people from their torsos.

    Attributes:
        depth_mm (Tensor): (N,), finite for everybody; without meaning, and without gradient, where not ``valid``.
        valid (Tensor): (N,) bool.
        singular (Tensor): (N,) bool: the torso lies along the ray, or nearly.
        rootless (Tensor): (N,) bool: it is longer than Ω whatever the depth.
        two_roots (Tensor): (N,) bool: two positive depths solve the equation, and nothing says which.
        out_of_range (Tensor): (N,) bool: solved, by a depth where nobody is.
    """

    depth_mm: Tensor
    valid: Tensor
    singular: Tensor
    rootless: Tensor
    two_roots: Tensor
    out_of_range: Tensor

    def counts(self) -> dict[str, Tensor]:
        """How many people each reason masks, by its name."""
        return {name: getattr(self, name).sum() for name in ('singular', 'rootless', 'two_roots', 'out_of_range')}


def geometric_depth(
    root_px: Tensor,
    neck_px: Tensor,
    neck_relative_mm: Tensor,
    K: Tensor,
    torso_mm: float | Tensor,
    dist: Tensor | None = None,
    limits: TorsoLimits | None = None,
) -> GeometricDepth:
    """Depth of the root of every person, differentiable in pixels and relative depth.

    Args:
        root_px: (N, 2).
        neck_px: (N, 2).
        neck_relative_mm: (N,), δ.
        K: (N, 3, 3) or (3, 3), of the image that the pixels are of.
        torso_mm: Ω, a number or (N,).
        dist: (N, 5) lens, or None.
        limits: What is masked.
    """
    limits = limits or TorsoLimits()
    one = torch.ones_like(neck_relative_mm)
    neck_ray = back_project(neck_px, one, K, dist)
    difference = neck_ray - back_project(root_px, one, K, dist)
    a = difference.square().sum(-1)
    b = 2 * neck_relative_mm * (difference * neck_ray).sum(-1)
    c = neck_relative_mm.square() * neck_ray.square().sum(-1) - torso_mm**2
    discriminant = b.square() - 4 * a * c
    with torch.no_grad():
        finite = torch.isfinite(discriminant)
        flat = ~finite | (a < limits.min_angle**2)
        rootless = ~flat & (discriminant < 0)
        steep = discriminant < 4 * a * (torso_mm * limits.min_share) ** 2
        singular = flat | (~rootless & steep)
        two_roots = ~singular & ~rootless & (c > 0)
        solved = ~(singular | rootless | two_roots)
    # where nothing is solved the root is taken of constants: √ has no gradient there, and 0 · ∞ would be NaN
    a, b, c = (torch.where(solved, value, fill) for value, fill in ((a, one), (b, 0 * one), (c, -one)))
    root = (b.square() - 4 * a * c).sqrt()
    depth = torch.where(b > 0, -2 * c / (b.clamp(min=0) + root), (root - b.clamp(max=0)) / (2 * a))
    with torch.no_grad():
        low, high = limits.depth_mm
        out_of_range = solved & ~((depth > low) & (depth < high))
    valid = solved & ~out_of_range
    depth = torch.where(valid, depth, torch.full_like(depth, low))
    return GeometricDepth(depth, valid, singular, rootless, two_roots, out_of_range)
