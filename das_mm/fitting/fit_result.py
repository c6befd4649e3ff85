"""What a fit gives."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class FitResult:
    """Bodies of B people, detached.

    Attributes:
        pose: (B, 72) axis-angle, rad; the global orientation first.
        betas: (B, S).
        translation: (B, 3) m, camera frame.
        reprojection: (B,) mean over all keypoints of c²·Σ ρ, ignored ones counting as 0; infinite where not valid.
        joints: (B, K, 3) m, the keypoints of the body before it is moved by ``translation``.
        valid: (B,) bool; False where no keypoint has a weight, or a number was not finite before or after: the body is
            then the one that the fit was started from.
    """

    pose: Tensor
    betas: Tensor
    translation: Tensor
    reprojection: Tensor
    joints: Tensor
    valid: Tensor

    @property
    def num_invalid(self) -> int:
        """Number of people without a fit."""
        return int((~self.valid).sum())
