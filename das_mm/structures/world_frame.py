"""The world of a camera that stands still: metres over the floor, y up.

World frame: y is up, the floor is y = 0, the origin lies on the floor straight below the camera, z points from what is
seen towards the camera (the camera looks along -z as far as it looks along the floor), x to the right. It is
right-handed and that of glTF and USD with y up. The camera frame is that of the results: x right, y down, z forward.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_MM_PER_M = 1000.0
_LEAST_FORWARD = 1e-3  # of the optical axis along the floor; below, the camera looks straight up or down
_DIGITS = 9


@dataclass(frozen=True)
class WorldFrame:
    """
    Attributes:
        camera_to_world: (4, 4): ``[p_world, 1] = camera_to_world @ [p_camera, 1]``, both in metres.
        residual_mm: Robust standard deviation of the heights of the feet that stood on the floor.
        tilt_sd_deg: Standard error of the direction of up, by those heights.
        num_contacts: Feet that stood on the floor (one that stays for many frames counts once).
    """

    camera_to_world: np.ndarray
    residual_mm: float
    tilt_sd_deg: float
    num_contacts: int

    @classmethod
    def over_floor(
        cls, up: np.ndarray, height_mm: float, residual_mm: float = 0.0, tilt_sd_deg: float = 0.0, num_contacts: int = 0
    ) -> WorldFrame:
        """Of a floor in the camera frame, the plane ``up · p = -height_mm``.

        Args:
            up: (3,) normal of the floor, upward.
            height_mm: Of the camera over the floor.
            residual_mm, tilt_sd_deg, num_contacts: See the class.

        Example:
            >>> frame = WorldFrame.over_floor(np.array([0.0, -1, 0]), 1500)
            >>> frame.to_world(np.array([100.0, 1500, 4000])).tolist()
            [0.1, 0.0, -4.0]
        """
        up = np.asarray(up, dtype=np.float64) / np.linalg.norm(up)
        forward = np.array([0.0, 0.0, 1.0])
        if np.linalg.norm(forward - up[2] * up) < _LEAST_FORWARD:
            forward = np.array([0.0, -1.0, 0.0]) * -np.sign(up[2])
        back = -(forward - (forward @ up) * up)
        back /= np.linalg.norm(back)
        matrix = np.eye(4)
        matrix[:3, :3] = np.stack([np.cross(up, back), up, back])
        matrix[1, 3] = height_mm / _MM_PER_M
        return cls(matrix, float(residual_mm), float(tilt_sd_deg), int(num_contacts))

    @property
    def up(self) -> np.ndarray:
        """(3,) unit vector in the camera frame."""
        return self.camera_to_world[1, :3]

    @property
    def height_m(self) -> float:
        """Of the camera over the floor."""
        return float(self.camera_to_world[1, 3])

    @property
    def floor_point_mm(self) -> np.ndarray:
        """(3,) the place of the floor straight below the camera, camera frame."""
        return -_MM_PER_M * self.height_m * self.up

    @property
    def tilt_deg(self) -> float:
        """By how much the optical axis points below the horizon."""
        return math.degrees(math.asin(float(np.clip(-self.up[2], -1, 1))))

    @property
    def roll_deg(self) -> float:
        """By how much up leans to the right in the image."""
        return math.degrees(math.atan2(float(self.up[0]), float(-self.up[1])))

    def to_world(self, points_mm: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the camera frame in mm, as points (..., 3) of the world in metres."""
        points_m = np.asarray(points_mm, dtype=np.float64) / _MM_PER_M
        return points_m @ self.camera_to_world[:3, :3].T + self.camera_to_world[:3, 3]

    def words(self) -> dict[str, Any]:
        """As results tell it: their entry ``world``."""
        return dict(
            camera_to_world=np.round(self.camera_to_world, _DIGITS).tolist(),
            height_m=round(self.height_m, 5),
            tilt_deg=round(self.tilt_deg, 4),
            roll_deg=round(self.roll_deg, 4),
            residual_mm=round(self.residual_mm, 3),
            tilt_sd_deg=round(self.tilt_sd_deg, 4),
            num_contacts=self.num_contacts,
        )

    @classmethod
    def from_words(cls, words: Mapping[str, Any]) -> WorldFrame:
        """Of the entry ``world`` of a result."""
        matrix = np.array(words['camera_to_world'], dtype=np.float64)
        return cls(matrix, words['residual_mm'], words['tilt_sd_deg'], words['num_contacts'])
