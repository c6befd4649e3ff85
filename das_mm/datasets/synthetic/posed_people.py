"""People of the synthetic world before a camera, as poses alone: for what learns from skeletons and needs no image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from .body_shapes import sample_betas
from .poses import sample_pose

#: (width, height) px of the images, and their camera, about that of Human3.6M
IMAGE_SIZE = (1000, 1000)
CAMERA = np.array([[1145.0, 0, 500], [0, 1145.0, 500], [0, 0, 1]])


class PosedPeople(NamedTuple):
    """N people.

    Attributes:
        axis_angle: (N, 24, 3) rad, the root in the camera frame.
        betas: (N, 10).
        place: (N, 3) m, where the root stands in the camera frame.
    """

    axis_angle: np.ndarray
    betas: np.ndarray
    place: np.ndarray


def posed_people(rng: np.random.Generator, num: int) -> PosedPeople:
    """N people in the activities of the synthetic world, 3.5 to 6 m before a camera that is level or looks down by at
    most 20 degrees."""
    poses = [sample_pose(rng) for _ in range(num)]
    yaw = Rotation.from_euler('y', rng.uniform(-np.pi, np.pi, (num, 1)))
    tilt = Rotation.from_rotvec([pose['root_tilt'] for pose in poses])
    # upright in the camera, whose y looks down; then the camera looks down
    facing = Rotation.from_euler('x', np.pi + np.radians(rng.uniform(0, 20, (num, 1)))) * yaw * tilt
    axis_angle = np.concatenate([facing.as_rotvec()[:, None], [pose['body_pose'] for pose in poses]], axis=1)
    betas = np.stack([sample_betas(rng) for _ in range(num)])
    place = np.stack([rng.uniform(-0.6, 0.6, num), rng.uniform(-0.3, 0.3, num), rng.uniform(3.5, 6, num)], axis=1)
    return PosedPeople(axis_angle, betas, place)
