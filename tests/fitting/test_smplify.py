"""SPIN's driver: recovers what it is shown, leaves its arguments alone, and keeps people apart."""

from __future__ import annotations

import pytest
import torch

from das_mm.fitting import AdamSchedule, FittingCamera, SMPLify
from das_mm.fitting.energy_terms import reprojection_energy
from das_mm.models.losses.body_priors import joint_angle_prior, shape_prior

from .conftest import body_points


def test_recovers_a_pose_from_twenty_degrees_off(scene):
    start = scene.start(20)
    placed = scene.fitter.place(start, scene.betas, scene.keypoints, scene.camera)
    fitter = SMPLify(scene.fitter.points, prior=scene.fitter.prior, schedule=AdamSchedule(60, 120, 2e-2))
    found = fitter.fit(start, scene.betas, placed.translation, scene.keypoints, scene.camera)
    centred = lambda points: points - points[:, 8:9]  # OpenPose's mid hip
    error = lambda points: (centred(points) - centred(scene.points)).norm(dim=-1).mean(1) * 1000
    before, after = error(body_points(fitter, start, scene.betas)), error(found.joints)
    assert found.valid.all()
    assert (after < 0.35 * before).all() and after.mean() < 45, (before, after)  # mm
    score = fitter.score(start, scene.betas, placed.translation, scene.keypoints, scene.camera)
    assert (found.reprojection < 0.1 * score).all() and (found.reprojection < 2).all()  # px²


def test_the_energy_that_is_minimised_goes_down(scene):
    """The body stage lowers its own energy, prior terms included, written out here once more."""
    start = scene.start(20)

    def energy(pose, betas, translation):
        keypoints = scene.keypoints.clone()
        keypoints[:, [1, 9, 12, 27, 28], 2] = 0
        seen = scene.camera.project(body_points(scene.fitter, pose, betas) + translation[:, None])
        angles = 15.2**2 * joint_angle_prior(pose[:, 3:]) + 5**2 * shape_prior(betas)
        return reprojection_energy(seen, keypoints).sum(1) + 4.78**2 * scene.fitter.prior(pose[:, 3:]) + angles

    camera_only = SMPLify(scene.fitter.points, prior=scene.fitter.prior, schedule=AdamSchedule(20, 0))
    arguments = (start, scene.betas, scene.translation, scene.keypoints, scene.camera)
    placed, fitted = camera_only.fit(*arguments), scene.fitter.fit(*arguments)
    torch.testing.assert_close(placed.pose[:, 3:], start[:, 3:])  # the first stage turns the root alone …
    torch.testing.assert_close(fitted.translation, placed.translation)  # … and the second does not move
    assert (
        energy(fitted.pose, fitted.betas, fitted.translation) < energy(placed.pose, placed.betas, placed.translation)
    ).all()


def test_score_is_the_mean_of_all_49_and_ignores_some(scene):
    arguments = (scene.start(10), scene.betas, scene.translation)
    keypoints = scene.keypoints.clone()
    keypoints[..., 2] = torch.linspace(0, 1, 49)
    seen = scene.camera.project(body_points(scene.fitter, *arguments[:2]) + scene.translation[:, None])
    terms = reprojection_energy(seen, keypoints)
    terms[:, [1, 9, 12, 27, 28]] = 0
    given = keypoints.clone()
    score = scene.fitter.score(*arguments, given, scene.camera)
    torch.testing.assert_close(score, terms.sum(1) / 49)
    assert torch.equal(given, keypoints)
    keypoints[:, [1, 9, 12, 27, 28], :2] += 50
    torch.testing.assert_close(scene.fitter.score(*arguments, keypoints, scene.camera), score)


def test_works_on_its_own_graph_and_changes_no_argument(scene):
    arguments = [scene.start(20), scene.betas, scene.translation, scene.keypoints]
    copies = [tensor.clone() for tensor in arguments]
    plain = scene.fitter.fit(*arguments, scene.camera)
    assert all(torch.equal(one, two) for one, two in zip(arguments, copies))
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        torch.testing.assert_close(scene.fitter.fit(*arguments, scene.camera).pose, plain.pose)
    with torch.inference_mode():
        torch.testing.assert_close(scene.fitter.fit(*arguments, scene.camera).pose, plain.pose)
    assert not plain.pose.requires_grad and plain.pose.grad_fn is None
    attached = scene.start(20).requires_grad_(True)  # a network's output
    scene.fitter.fit(attached, *arguments[1:], scene.camera)
    assert attached.grad is None


def test_people_do_not_know_each_other(scene):
    arguments = [scene.start(20), scene.betas, scene.translation, scene.keypoints]
    together = scene.fitter.fit(*arguments, scene.camera)
    for rows in (slice(0, 1), slice(1, 4)):  # a batch of three is one that has gone wrong elsewhere
        alone = scene.fitter.fit(*(tensor[rows] for tensor in arguments), scene.camera)
        torch.testing.assert_close(alone.pose, together.pose[rows], rtol=1e-3, atol=1e-3)
    nobody = scene.fitter.fit(*(tensor[:0] for tensor in arguments), scene.camera)
    assert nobody.pose.shape == (0, 72) and nobody.num_invalid == 0


def test_what_is_not_finite_is_told_and_stays_with_its_person(scene):
    arguments = [scene.start(20), scene.betas, scene.translation, scene.keypoints]
    sound = scene.fitter.fit(*arguments, scene.camera)
    pose, betas, translation, keypoints = (tensor.clone() for tensor in arguments)
    pose[0, 5] = torch.nan
    keypoints[1, 3, 0] = torch.inf  # seen, and nowhere
    keypoints[2, :, 2] = 0
    keypoints[3, 0] = torch.tensor([torch.nan, torch.nan, 0])  # not seen: may be anything
    found = scene.fitter.fit(pose, betas, translation, keypoints, scene.camera)
    assert found.valid.tolist() == [False, False, False, True] and found.num_invalid == 3
    assert found.reprojection[:3].isinf().all() and found.reprojection[3].isfinite()
    assert torch.equal(found.pose[1:3], pose[1:3])
    assert (found.pose[3] - sound.pose[3]).abs().max() < 0.2 and found.pose[3].isfinite().all()
    score = scene.fitter.score(pose, betas, translation, keypoints, scene.camera)
    assert score[:3].isinf().all() and score[3].isfinite()


def test_a_start_behind_the_camera_leaves_the_others_alone(scene):
    translation = scene.translation.clone()
    translation[0] = torch.tensor([0.0, 0.0, 3e38])
    found = scene.fitter.fit(scene.start(5), scene.betas, translation, scene.keypoints, scene.camera)
    assert found.valid[1:].all() and found.pose.isfinite().all()


@pytest.mark.parametrize('focal', [900.0, 1400.0])
def test_full_frame_cameras(scene, focal):
    K = torch.tensor([[focal, 0, 640], [0, focal, 360], [0, 0, 1]])
    camera = FittingCamera.full_frame(K)
    translation = torch.tensor([[0.8, 0.2, 4.0]]).repeat(4, 1)
    seen = camera.project(scene.points + translation[:, None])
    keypoints = torch.cat([seen, torch.ones(4, 49, 1)], dim=-1)
    start = scene.start(15)
    found = scene.fitter.fit(start, scene.betas, translation, keypoints, camera)
    before = scene.fitter.score(start, scene.betas, translation, keypoints, camera)
    assert (found.reprojection < 0.5 * before).all()
