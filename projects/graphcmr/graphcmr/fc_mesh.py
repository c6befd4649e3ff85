"""Baseline of Table 1, Mesh Regression (FC): the vertices by fully connected layers from the image features."""

from __future__ import annotations

from torch import Tensor, nn

from das_mm.registry import MODELS

from .body_mesh import BodyMesh


@MODELS.register_module()
class FCMesh(nn.Module):
    """Takes the place of :class:`.GraphCNN`; the rest (U, losses, camera) stays as it is.

    The thesis says "a series of fully connected layers" and no sizes: here two hidden layers.

    Args:
        mesh: The mesh (given by the head); nothing of its edges is used.
        feature_channels: C.
        hidden_channels: Of the hidden layers.
    """

    def __init__(self, mesh: BodyMesh, feature_channels: int = 2048, hidden_channels: int = 1024):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(feature_channels, hidden_channels),
            nn.ReLU(),
            nn.Linear(hidden_channels, hidden_channels),
            nn.ReLU(),
        )
        self.points = nn.Linear(hidden_channels, mesh.num_points * 3)
        self.camera = nn.Linear(hidden_channels, 3)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C) -> points (B, N, 3) m and camera (B, 3), as :meth:`.GraphCNN.forward`."""
        hidden = self.layers(features)
        return self.points(hidden).unflatten(1, (-1, 3)), self.camera(hidden)
