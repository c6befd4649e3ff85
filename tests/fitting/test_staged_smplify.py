"""The offline recipe: where it starts, what it minimises, and whom it leaves out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from das_mm.fitting import (
    FittingCamera,
    KeypointRoles,
    LBFGSOptions,
    StagedEnergy,
    StagedSMPLify,
    minimise_lbfgs,
    place_torso,
    turned_round,
)
from das_mm.structures.rotations import axis_angle_to_matrix

from .conftest import body_points

FEW = LBFGSOptions(outer_steps=2, inner_steps=8)


@pytest.fixture(scope='module')
def fitter(scene):
    return StagedSMPLify(scene.fitter.points, options=FEW)


def test_depth_by_the_length_of_the_torso(scene):
    """f times the mean 3D length over the mean 2D length, by hand."""
    keypoints = scene.keypoints.clone()
    keypoints[1, 9, 2] = 0  # the detector misses a hip: the annotated torso serves
    keypoints[2, :, 2] = 0
    keypoints[3, [12, 28], 2] = 0  # no left hip: the right side alone
    placed = place_torso(scene.points, keypoints, scene.camera, KeypointRoles.spin49())
    assert placed.known.tolist() == [True, True, False, True]
    points, seen = scene.points.numpy(), keypoints.numpy()
    for b, segments in ((0, ((9, 2), (12, 5))), (1, ((27, 33), (28, 34))), (3, ((27, 33),))):
        length = lambda values: np.mean([np.linalg.norm(values[b, i] - values[b, j]) for i, j in segments])
        assert placed.translation[b, 2].item() == pytest.approx(5000 * length(points) / length(seen[..., :2]), rel=1e-4)
    middle = scene.camera.project(scene.points + placed.translation[:, None])[0, [9, 12, 2, 5]].mean(0)
    np.testing.assert_allclose(middle, seen[0, [9, 12, 2, 5], :2].mean(0), atol=1)


def test_turned_round_about_the_body_s_own_axis():
    root = torch.tensor([[math.pi, 0, 0], [0.4, -1.0, 2.0]])
    about_y = np.diag([-1.0, 1.0, -1.0])
    expected = axis_angle_to_matrix(root.numpy()) @ about_y
    np.testing.assert_allclose(axis_angle_to_matrix(turned_round(root).numpy()), expected, atol=1e-5)


def test_lbfgs_finds_the_bottom_of_a_valley_and_tells_when_it_goes_astray():
    at = torch.tensor([-1.2, 1.0])
    rosenbrock = lambda: (1 - at[0]) ** 2 + 100 * (at[1] - at[0] ** 2) ** 2
    assert minimise_lbfgs([at], rosenbrock, LBFGSOptions()) < 1e-8
    torch.testing.assert_close(at, torch.ones(2), atol=1e-3, rtol=0)
    assert math.isnan(minimise_lbfgs([at], lambda: at.sum() * torch.nan, FEW))


def test_from_the_mean_pose_to_the_keypoints(scene, fitter):
    found = fitter.fit(scene.keypoints[:2], scene.camera, 224)
    assert found.valid.all()
    start = torch.cat([torch.tensor([math.pi, 0, 0]), fitter.mean_pose]).expand(2, -1)
    placed = place_torso(
        body_points(fitter, start, scene.betas[:2]), scene.keypoints[:2], scene.camera, scene.fitter.roles
    )
    before = scene.fitter.score(start, scene.betas[:2], placed.translation, scene.keypoints[:2], scene.camera)
    assert (found.reprojection < 0.2 * before).all() and (found.reprojection < 60).all(), (before, found.reprojection)


def test_who_is_seen_from_the_side_is_tried_both_ways(scene):
    """Started looking the wrong way, a body finds the right one where the shoulders are near enough to try it."""
    pose = scene.pose[:1].clone()
    pose[:, :3] = torch.tensor([[math.pi / 2**0.5, 0.0, math.pi / 2**0.5]])  # upright, seen from a side
    seen = scene.camera.project(body_points(scene.fitter, pose, scene.betas[:1]) + scene.translation[:1, None])
    keypoints = torch.cat([seen, torch.ones(1, 49, 1)], dim=-1)
    start = torch.cat([turned_round(pose[:, :3]), pose[:, 3:]], dim=1)
    quality = {
        side_view_px: StagedSMPLify(
            scene.fitter.points, constants=StagedEnergy(side_view_px=side_view_px), options=LBFGSOptions(1, 5)
        )
        .fit(keypoints, scene.camera, 224, start)
        .reprojection.item()
        for side_view_px in (25.0, 0.0)
    }
    assert quality[25.0] < 0.5 * quality[0.0], quality


def test_whose_torso_is_not_seen_is_left_out(scene, fitter):
    keypoints = scene.keypoints[:3].clone()
    keypoints[0, [9, 12, 27, 28], 2] = 0  # no hips
    keypoints[1, 0] = torch.nan
    quick = StagedSMPLify(scene.fitter.points, options=LBFGSOptions(1, 2))
    found = quick.fit(keypoints, FittingCamera.crop(224), 224)
    assert found.valid.tolist() == [False, False, True] and found.num_invalid == 2
    assert found.pose.isfinite().all()
