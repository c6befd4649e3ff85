"""How well bodies explain what a network told of people: places in px and depths, each with a scale of its own.

A residual is divided by the scale of the network's error there, so that a joint it is sure of counts for more, in the
image and along the depth separately; beyond a few scales the penalty saturates, for a joint may be plainly wrong.
Letters: P people, K keypoints.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from .cameras import FittingCamera
from .energy_terms import geman_mcclure


@dataclass(frozen=True)
class PeopleObservations:
    """2.5D keypoints of P people.

    Attributes:
        keypoints_px: (P, K, 2).
        sigma_px: (P, K, 2) scales of their errors, positive.
        valid: (P, K) bool, which keypoints are used.
        relative_depths: (P, K) m, depth minus that of the root.
        sigma_depth: (P, K) m; infinite: the depth is not used.
        root_depths: (P,) m.
        sigma_root: (P,) m; infinite as above.
    """

    keypoints_px: Tensor
    sigma_px: Tensor
    valid: Tensor
    relative_depths: Tensor
    sigma_depth: Tensor
    root_depths: Tensor
    sigma_root: Tensor

    def select(self, rows: Tensor) -> PeopleObservations:
        """Some of the people, by a mask or indices."""
        return PeopleObservations(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def widened(self, body_error: float, camera: FittingCamera) -> PeopleObservations:
        """With the error of the body itself in every scale: its keypoints are not quite those that were labelled.

        Args:
            body_error: m; in the image as long as it is seen at the root's depth.
            camera: Of the image.
        """
        seen = camera.focal_px * body_error / self.root_depths[:, None]  # (P, 2)
        together = lambda sigma, other: torch.hypot(sigma, torch.as_tensor(other).to(sigma))
        return PeopleObservations(
            self.keypoints_px,
            together(self.sigma_px, seen[:, None]),
            self.valid,
            self.relative_depths,
            together(self.sigma_depth, body_error),
            self.root_depths,
            self.sigma_root,
        )


def image_energy(projected: Tensor, observed: PeopleObservations, cut: float) -> Tensor:
    """½ Σ ρ(Δ / σ) over keypoints and both coordinates, (P,).

    Args:
        projected: (P, K, 2) px.
        observed: What was seen.
        cut: σ of Geman and McClure's function, in scales.
    """
    scaled = (projected - observed.keypoints_px) / observed.sigma_px
    return 0.5 * (geman_mcclure(scaled, cut).sum(-1) * observed.valid).sum(1)


def depth_energy(depths: Tensor, root_depths: Tensor, observed: PeopleObservations, cut: float) -> Tensor:
    """½ Σ ρ(Δ / σ) of relative depths, and of the root's depth, (P,).

    Args:
        depths: (P, K) m, camera frame, of the body's keypoints.
        root_depths: (P,) m, of its root.
        observed: What was seen.
        cut: As of :func:`image_energy`.
    """
    scaled = (depths - root_depths[:, None] - observed.relative_depths) / observed.sigma_depth
    of_root = (root_depths - observed.root_depths) / observed.sigma_root
    relative = (geman_mcclure(scaled, cut) * observed.valid).sum(1)
    return 0.5 * (relative + geman_mcclure(of_root, cut))
