"""The camera of a scene: where it stands, where it looks, and what it sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from das_mm.structures.cameras import project


@dataclass(frozen=True)
class Viewpoint:
    """A pinhole camera in a scene.

    Attributes:
        K (3, 3): Intrinsics, px; the principal point may lie off the middle.
        rotation (3, 3): World (y up) to camera (x right, y down, z forward).
        position (3,): World, m.
        width, height: px.
    """

    K: np.ndarray
    rotation: np.ndarray
    position: np.ndarray
    width: int
    height: int

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World (*, 3) m to camera (*, 3) m."""
        return (np.asarray(points, np.float64) - self.position) @ self.rotation.T

    def project(self, points: np.ndarray) -> np.ndarray:
        """World (*, 3) m to pixels (*, 2); points behind the camera give nonsense, look at their depth first."""
        return project(self.to_camera(points), self.K)

    @property
    def translation_mm(self) -> np.ndarray:
        """(3,) T of ``X_cam = R X_world + T`` in millimetres."""
        return -1000 * self.rotation @ self.position

    def rays(self, pixel: np.ndarray) -> np.ndarray:
        """(N, 3) float32 directions in the camera frame through (N, 2) pixels; z = 1, so that t of a ray is a depth."""
        inverse = np.linalg.inv(self.K).astype(np.float32)
        return pixel.astype(np.float32) @ inverse[:, :2].T + inverse[:, 2]


def look_rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) world-to-camera rotation.

    Args:
        yaw: rad about the vertical; 0 looks along world +z, positive turns towards +x.
        pitch: rad, positive looks down.
        roll: rad about the optical axis.
    """
    forward = np.array([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    # y is up and the camera's y is down, so its x points to world -x when it looks along +z
    right = np.array([-np.cos(yaw), 0, np.sin(yaw)])
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ np.stack([right, down, forward])
