"""Bodies for 2.5D keypoints with scales: the terms against numpy, and what the fit makes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from das_mm.bodies.pose_mixture import load_pose_mixture
from das_mm.fitting import (
    FittingCamera,
    PeopleFitOptions,
    PeopleFitter,
    PeopleObservations,
    depth_energy,
    image_energy,
    rigid_rotation,
)
from das_mm.structures import KEYPOINT_SETS
from das_mm.structures.rotations import axis_angle_to_matrix

from .conftest import body_points

PANOPTIC = KEYPOINT_SETS['panoptic15']
ROOT = list(PANOPTIC.root_sources)
CAMERA = FittingCamera.full_frame(np.array([[1100.0, 0, 640], [0, 1120, 360], [0, 0, 1]]))


@pytest.fixture(scope='module')
def fitter(generated_body, scene):
    options = PeopleFitOptions(phases=((20, 0.1), (20, 0.03)))
    layer = generated_body.keypoint_layer(PANOPTIC.keypoints)
    return PeopleFitter(layer, ROOT, scene.fitter.prior, load_pose_mixture(), options)


@pytest.fixture(scope='module')
def truth(fitter, scene):
    """(4, 15, 3) m, camera frame."""
    places = torch.tensor([[0.0, 0.2, 4.0], [1.0, 0.1, 5.0], [-1.0, 0.3, 3.5], [0.5, 0.0, 6.0]])
    return body_points(fitter, scene.start(20), scene.betas) + places[:, None]


def observe(truth, sigma_px: float = 0.5, sigma_depth: float = 0.01) -> PeopleObservations:
    root = truth[:, ROOT, 2].mean(1)
    full = lambda value, *shape: torch.full((len(truth), *shape), value)
    return PeopleObservations(
        CAMERA.project(truth), full(sigma_px, 15, 2), full(1.0, 15).bool(), truth[..., 2] - root[:, None],
        full(sigma_depth, 15), root, full(0.05),
    )  # fmt: skip


def errors_mm(keypoints, truth):
    return (keypoints - truth).norm(dim=-1).mean(1) * 1000


def test_the_terms_as_numpy_has_them():
    rng = np.random.default_rng(0)
    projected, seen, sigma_px = rng.normal(size=(3, 2, 5, 2)) * [[[[20.0]]], [[[20.0]]], [[[1.0]]]]
    sigma_px = np.abs(sigma_px) + 1
    depths, relative, sigma_depth = np.abs(rng.normal(size=(3, 2, 5))) + 0.1
    root, told_root, sigma_root = np.abs(rng.normal(size=(3, 2))) + 1
    valid = np.array([[True, True, False, True, True], [True, False, True, True, True]])
    observed = PeopleObservations(
        *map(torch.tensor, (seen, sigma_px, valid, relative, sigma_depth, told_root, sigma_root))
    )
    rho = lambda e: 9 * e**2 / (9 + e**2)
    image, depth = np.zeros(2), np.zeros(2)
    for p in range(2):
        depth[p] = 0.5 * rho((root[p] - told_root[p]) / sigma_root[p])
        for k in np.flatnonzero(valid[p]):
            image[p] += 0.5 * sum(rho((projected[p, k] - seen[p, k]) / sigma_px[p, k]))
            depth[p] += 0.5 * rho((depths[p, k] - root[p] - relative[p, k]) / sigma_depth[p, k])
    np.testing.assert_allclose(image_energy(torch.tensor(projected), observed, 3.0), image)
    np.testing.assert_allclose(depth_energy(torch.tensor(depths), torch.tensor(root), observed, 3.0), depth)


def test_the_body_s_own_error_is_as_long_as_it_is_seen():
    truth = torch.tensor([[[0.0, 0, 4.0]] * 15])
    widened = observe(truth, sigma_px=3.0, sigma_depth=0.03).widened(0.04, CAMERA)
    np.testing.assert_allclose(widened.sigma_px[0, 0], np.hypot(3.0, np.array([1100, 1120]) * 0.04 / 4))
    np.testing.assert_allclose(widened.sigma_depth[0, 0], 0.05)


def test_rigid_rotation_never_mirrors():
    rng = np.random.default_rng(0)
    points = torch.tensor(rng.normal(size=(3, 6, 3)))
    turns = torch.tensor(axis_angle_to_matrix(rng.normal(size=(3, 3))))
    torch.testing.assert_close(rigid_rotation(points, points @ turns.mT + 5, torch.rand(3, 6).double()), turns)
    mirrored = points * torch.tensor([-1.0, 1, 1])
    torch.testing.assert_close(
        torch.linalg.det(rigid_rotation(points, mirrored, torch.ones(3, 6))), torch.ones(3).double()
    )


def test_explains_exact_observations(fitter, truth):
    found = fitter.fit(observe(truth), CAMERA)
    assert found.valid.all()
    before, after = errors_mm(found.start, truth), errors_mm(found.keypoints, truth)
    assert (after < 0.6 * before).all() and after.mean() < 70, (before, after)
    pixels = (CAMERA.project(found.keypoints) - CAMERA.project(truth)).norm(dim=-1).mean()
    assert pixels < 6


def test_joints_that_the_network_doubts_count_for_less(fitter, truth):
    """A wrist that is told elsewhere is followed where its scale is narrow, and not where it is wide."""
    wrist = PANOPTIC.index('left_wrist')
    observed = observe(truth, sigma_px=3.0, sigma_depth=0.03)
    told = observed.keypoints_px.clone()
    told[:, wrist] += 12
    off = {}
    for scale in (3.0, 300.0):
        sigma = observed.sigma_px.clone()
        sigma[:, wrist] = scale
        found = fitter.fit(replace(observed, keypoints_px=told, sigma_px=sigma), CAMERA)
        off[scale] = (CAMERA.project(found.keypoints) - told)[:, wrist].norm(dim=-1).mean()
    assert off[3.0] < 0.6 * off[300.0], off


def test_depths_without_a_scale_are_not_used(fitter, truth):
    observed = observe(truth)
    unknown = torch.full_like(observed.sigma_depth, torch.inf)
    lies = replace(observed, sigma_depth=unknown, relative_depths=observed.relative_depths)
    one = fitter.fit(lies, CAMERA)
    assert one.valid.all()
    terms = depth_energy(truth[..., 2], observed.root_depths, replace(lies, relative_depths=torch.randn(4, 15)), 3.0)
    torch.testing.assert_close(terms, torch.zeros(4))


def test_what_cannot_be_used_stays_with_its_person(fitter, truth):
    observed = observe(truth)
    sound = fitter.fit(observed, CAMERA)
    pixels, roots, valid = observed.keypoints_px.clone(), observed.root_depths.clone(), observed.valid.clone()
    pixels[0, 3, 1] = torch.nan
    roots[1] = -2.0
    valid[2] = False
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        found = fitter.fit(replace(observed, keypoints_px=pixels, root_depths=roots, valid=valid), CAMERA)
    assert found.valid.tolist() == [False, False, False, True]
    torch.testing.assert_close(found.pose[3], sound.pose[3], atol=2e-2, rtol=1e-2)
    assert fitter.fit(observed.select(torch.zeros(4, dtype=torch.bool)), CAMERA).pose.shape == (0, 72)
