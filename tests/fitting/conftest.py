"""Bodies whose truth is known, and their keypoints under SPIN's crop camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from das_mm.bodies.pose_mixture import load_pose_mixture
from das_mm.fitting import AdamSchedule, FittingCamera, SMPLify
from das_mm.models.body_models import SMPLBody, superset_layer
from das_mm.structures.tensor_rotations import axis_angle_to_matrix


@dataclass
class Scene:
    """B people; ``keypoints`` (B, 49, 3) without noise, of confidence 1."""

    fitter: SMPLify
    camera: FittingCamera
    pose: Tensor
    betas: Tensor
    translation: Tensor
    points: Tensor
    keypoints: Tensor

    def start(self, degrees: float, seed: int = 0) -> Tensor:
        """The true poses with root, hips, knees, shoulders and elbows each turned about some axis."""
        axes = torch.randn(len(self.pose), 24, 3, generator=torch.Generator().manual_seed(seed))
        turns = np.radians(degrees) * axes / axes.norm(dim=-1, keepdim=True)
        turns[:, [joint for joint in range(24) if joint not in (0, 1, 2, 4, 5, 16, 17, 18, 19)]] = 0
        return self.pose + turns.flatten(1)


@pytest.fixture(scope='session')
def generated_body() -> SMPLBody:
    return SMPLBody()


@pytest.fixture(scope='session')
def scene(generated_body) -> Scene:
    fitter = SMPLify(superset_layer(generated_body, 'spin49'), schedule=AdamSchedule(20, 20))
    camera = FittingCamera.crop(224)
    means = load_pose_mixture().means
    pose = torch.zeros(4, 72)
    pose[:, 0] = torch.pi  # upright in a camera whose y points down
    pose[:, 3:] = torch.tensor(means[np.arange(4) % len(means)]).float()
    betas = torch.zeros(4, 10)
    translation = torch.tensor([[0.0, 0.2, 44.0]]).repeat(4, 1)
    points = body_points(fitter, pose, betas)
    seen = camera.project(points + translation[:, None])
    keypoints = torch.cat([seen, torch.ones(4, 49, 1)], dim=-1)
    return Scene(fitter, camera, pose, betas, translation, points, keypoints)


def body_points(fitter: SMPLify, pose: Tensor, betas: Tensor) -> Tensor:
    turns = axis_angle_to_matrix(pose.unflatten(1, (24, 3)))
    return fitter.points(turns[:, 0], turns[:, 1:], betas)
