"""Cameras that bodies are fitted under: of a square crop with a focal length by convention, or of a whole image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from das_mm.structures import project
from das_mm.structures.crop_cameras import CROP_FOCAL_PX


@dataclass(frozen=True)
class FittingCamera:
    """Pinhole cameras of B people.

    Attributes:
        K: (3, 3) for all, or (B, 3, 3), px.
        dist: Lens distortion (5,) or (B, 5), OpenCV's order; None: none.

    Example:
        >>> camera = FittingCamera.crop(224)
        >>> camera.project(torch.tensor([[[0.0, 1.0, 50.0]]]))
        tensor([[[112., 212.]]])
    """

    K: Tensor
    dist: Tensor | None = None

    @classmethod
    def crop(cls, side: int, focal_px: float = CROP_FOCAL_PX) -> FittingCamera:
        """Of a square crop of ``side`` px: the principal point is side / 2, as in SPIN."""
        return cls(torch.tensor([[focal_px, 0.0, side / 2], [0.0, focal_px, side / 2], [0.0, 0.0, 1.0]]))

    @classmethod
    def full_frame(cls, K: Any, dist: Any = None) -> FittingCamera:
        """Of a whole image, from arrays (3, 3) or (B, 3, 3), and (5,) or (B, 5)."""
        as_tensor = lambda values: torch.as_tensor(values).float()
        return cls(as_tensor(K), None if dist is None else as_tensor(dist))

    def to(self, like: Tensor) -> FittingCamera:
        """In the type and on the device of a tensor."""
        return FittingCamera(self.K.to(like), None if self.dist is None else self.dist.to(like))

    def select(self, rows: Tensor | slice) -> FittingCamera:
        """The cameras of some people."""
        K = self.K if self.K.ndim == 2 else self.K[rows]
        return FittingCamera(K, self.dist if self.dist is None or self.dist.ndim == 1 else self.dist[rows])

    def project(self, points: Tensor) -> Tensor:
        """Points (B, K, 3) m in the camera frame to pixels (B, K, 2)."""
        dist = self.dist if self.dist is None or self.dist.ndim == 1 else self.dist[:, None]
        return project(points, self.K if self.K.ndim == 2 else self.K[:, None], dist)

    @property
    def focal_px(self) -> Tensor:
        """fx and fy, (2,) or (B, 2)."""
        return torch.stack([self.K[..., 0, 0], self.K[..., 1, 1]], dim=-1)

    @property
    def centre_px(self) -> Tensor:
        """The principal point, (2,) or (B, 2)."""
        return self.K[..., :2, 2]
