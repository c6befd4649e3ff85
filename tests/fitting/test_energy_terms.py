"""Each term of the energy against a plain numpy statement of its formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from das_mm.errors import UserError
from das_mm.fitting import KeypointRoles, anchor_energy, geman_mcclure, reprojection_energy, torso_energy
from das_mm.structures import KeypointSet


def observations(seed: int = 0):
    rng = np.random.default_rng(seed)
    projected, seen = rng.normal(scale=80, size=(2, 5, 49, 2))
    return projected, np.concatenate([seen, rng.uniform(size=(5, 49, 1))], axis=-1)


def test_the_robust_function_saturates():
    errors = np.array([-1e6, -30.0, 0.0, 1.0, 250.0])
    expected = 1e4 * errors**2 / (1e4 + errors**2)
    np.testing.assert_allclose(geman_mcclure(torch.tensor(errors), 100.0), expected)


def test_reprojection_per_coordinate_by_squared_confidence():
    projected, keypoints = observations()
    expected = np.zeros((5, 49))
    for b in range(5):
        for k in range(49):
            for axis in range(2):
                e2 = (projected[b, k, axis] - keypoints[b, k, axis]) ** 2
                expected[b, k] += keypoints[b, k, 2] ** 2 * 100.0**2 * e2 / (100.0**2 + e2)
    np.testing.assert_allclose(reprojection_energy(torch.tensor(projected), torch.tensor(keypoints)), expected)


def test_the_torso_is_the_detectors_only_where_it_is_whole():
    projected, keypoints = observations()
    keypoints[1, 9, 2] = 0.0  # OpenPose's right hip
    detected, annotated = (9, 12, 2, 5), (27, 28, 33, 34)
    squared = keypoints[..., 2] ** 2 * ((projected - keypoints[..., :2]) ** 2).sum(-1)
    expected = [squared[b, list(annotated if b == 1 else detected)].sum() for b in range(5)]
    roles = KeypointRoles.spin49()
    assert (roles.detected_torso, roles.annotated_torso) == (detected, annotated)
    given = torch.tensor(projected), torch.tensor(keypoints)
    np.testing.assert_allclose(torso_energy(*given, annotated, detected), expected)
    np.testing.assert_allclose(torso_energy(*given, annotated), squared[:, list(annotated)].sum(1))


def test_the_depth_anchor():
    depth, start = np.array([40.0, 41.5]), np.array([40.0, 40.0])
    np.testing.assert_allclose(anchor_energy(torch.tensor(depth), torch.tensor(start)), (depth - start) ** 2)


def test_the_torso_of_any_set():
    roles = KeypointRoles.of_set('coco17')
    assert roles.annotated_torso == (12, 11, 6, 5) and roles.detected_torso is None and not roles.ignored
    without = KeypointSet('arms', ('left_wrist', 'right_wrist'), (), 'left_wrist', (0.1, 0.1))
    with pytest.raises(UserError, match="'arms' has no right_hip, left_hip, right_shoulder, left_shoulder"):
        KeypointRoles.of_set(without)
