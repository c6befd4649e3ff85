"""Cameras as people hold and mount them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .config import SyntheticConfig
from .viewpoint import Viewpoint, look_rotation

FOV_DEG = (35.0, 75.0)  # along the longer side of the image
HEIGHT_M = (0.6, 3.5)


@dataclass(frozen=True)
class Shot:
    """A camera and what the photographer meant to take.

    Attributes:
        view: The camera.
        yaw: Its heading, rad (see ``viewpoint.look_rotation``).
        subject_share: Height of a standing adult of the main group over the height of the image.
        share_spread: Standard deviation of the logarithm of the other groups' shares.
    """

    view: Viewpoint
    yaw: float
    subject_share: float
    share_spread: float

    @property
    def forward(self) -> np.ndarray:
        """(3,) horizontal unit vector into the picture."""
        return np.array([np.sin(self.yaw), 0, np.cos(self.yaw)])

    @property
    def right(self) -> np.ndarray:
        """(3,) horizontal unit vector to the right of the picture."""
        return np.array([-np.cos(self.yaw), 0, np.sin(self.yaw)])

    def distance(self, share: float, stature_m: float = 1.7) -> float:
        """Metres at which somebody of this stature fills ``share`` of the image's height."""
        return float(self.view.K[1, 1] * stature_m / (share * self.view.height))


def sample_intrinsics(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """(3, 3) K: any focal length of everyday lenses, almost square pixels, the axis near the middle."""
    fov = np.radians(rng.uniform(*FOV_DEG))
    focal = 0.5 * max(width, height) / np.tan(fov / 2)
    centre = np.array([width - 1, height - 1]) / 2 + rng.normal(0, 0.01, 2) * [width, height]
    return np.array([[focal, 0, centre[0]], [0, focal * rng.uniform(0.99, 1.01), centre[1]], [0, 0, 1]])


def sample_shot(rng: np.random.Generator, config: SyntheticConfig) -> Shot:
    """A camera somewhere above the origin, aimed at people at a distance of its choice."""
    width, height = config.image_size
    K = sample_intrinsics(rng, width, height)
    share = float(np.exp(rng.uniform(*np.log(config.subject_share))))
    # mostly at the height of eyes or of a raised hand, sometimes low or on a wall
    kind = rng.choice(['hand', 'low', 'high'], p=[0.6, 0.15, 0.25])
    low, high = {'hand': (1.2, 1.9), 'low': (HEIGHT_M[0], 1.2), 'high': (1.9, HEIGHT_M[1])}[kind]
    camera_height = rng.uniform(low, high)
    distance = K[1, 1] * 1.7 / (share * height)
    aim = rng.uniform(0.55, 1.15) if share < 0.9 else rng.uniform(0.7, 1.5)
    # close by, a high camera would look at the crowns of heads only
    camera_height = min(camera_height, aim + 1.2 * distance)
    pitch = np.arctan2(camera_height - aim, distance) + rng.normal(0, 0.05)
    roll = np.radians(rng.normal(0, 1.5) if rng.random() < 0.85 else rng.normal(0, 7))
    yaw = rng.uniform(-np.pi, np.pi)
    position = np.array([rng.normal(0, 3), max(camera_height, HEIGHT_M[0]), rng.normal(0, 3)])
    return Shot(Viewpoint(K, look_rotation(yaw, pitch, roll), position, width, height), yaw, share, config.share_spread)
